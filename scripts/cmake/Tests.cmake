# One program per folder of tests/, each with a server, a database and a data folder of its own.
find_package(GTest REQUIRED)
payoutd_pch(pch_test HEADERS ${PAYOUTD_CORE_HEADERS} <pqxx/pqxx> <gtest/gtest.h>
            LIBS PkgConfig::PQXX GTest::gtest)
# What is tested is optimised as it is in service; the tests themselves compile in three quarters of
# the time with less.
set(PAYOUTD_TEST_OPTIONS $<$<CONFIG:Release>:-O1>)
target_compile_options(pch_test PRIVATE ${PAYOUTD_TEST_OPTIONS})

# payoutd_test(<folder> USES <layer>...) builds test_<folder> from tests/<folder>/*.cpp.
function(payoutd_test folder)
  cmake_parse_arguments(A "SUPPORT" "" "USES;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${folder}/*.cpp)
  if(NOT sources)
    return()
  endif()
  foreach(layer ${A_USES})
    if(NOT TARGET ${layer})
      return()
    endif()
  endforeach()
  if(A_SUPPORT)
    file(GLOB support CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/support/*.cpp)
  endif()
  payoutd_program(test_${folder} SOURCES ${sources} ${support} USES ${A_USES}
                  LIBS ${A_LIBS} GTest::gtest GTest::gmock GTest::gtest_main PkgConfig::PQXX PCH test)
  target_include_directories(test_${folder} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_compile_options(test_${folder} PRIVATE ${PAYOUTD_TEST_OPTIONS})
  if(PAYOUTD_SANITIZE)
    # g++ 12 sees optionals of temporaries as unset, and short strings as overrun, once sanitizers
    # stand between.
    target_compile_options(test_${folder} PRIVATE -Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow)
  endif()
  target_compile_definitions(test_${folder} PRIVATE
    PAYOUTD_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
    PAYOUTD_PROGRAM="$<$<TARGET_EXISTS:payoutd>:$<TARGET_FILE:payoutd>>")
  add_test(NAME ${folder} COMMAND test_${folder})
  set_tests_properties(${folder} PROPERTIES TIMEOUT 600)
endfunction()

payoutd_test(base       USES base)
payoutd_test(pg         USES pg SUPPORT)
payoutd_test(http       USES http)
payoutd_test(stripe     USES stripe http sim LIBS OpenSSL::SSL)
payoutd_test(sim        USES sim LIBS CURL::libcurl)
payoutd_test(jobs       USES jobs SUPPORT)
payoutd_test(access     USES access SUPPORT)
payoutd_test(mirror     USES mirror SUPPORT)
payoutd_test(payouts    USES payouts balances sim SUPPORT)
payoutd_test(sync       USES sync webhooks sim SUPPORT)
payoutd_test(webhooks   USES webhooks sim SUPPORT)
payoutd_test(reports    USES reports sim SUPPORT)
payoutd_test(app        USES app SUPPORT LIBS CURL::libcurl)
payoutd_test(cli        USES access SUPPORT)
payoutd_test(structure  USES app SUPPORT)
foreach(folder app cli)  # they run the program
  if(TARGET test_${folder} AND TARGET payoutd)
    add_dependencies(test_${folder} payoutd)
  endif()
endforeach()

# Stripe's own SDK against the simulator, and the OpenAPI document against the service; scripts/test
# installs what they need of npm.
if(TARGET payoutd)
  foreach(name sdk openapi)
    add_test(NAME ${name} COMMAND ${CMAKE_SOURCE_DIR}/tests/${name}/run $<TARGET_FILE:payoutd>)
  endforeach()
  set_tests_properties(sdk PROPERTIES TIMEOUT 300)
  set_tests_properties(openapi PROPERTIES TIMEOUT 600)
endif()
