# One folder is one OBJECT library: queries and routes that register themselves would vanish from
# static archives. A program names the layers it uses and gets their whole closure.

add_library(payoutd_options INTERFACE)
target_include_directories(payoutd_options INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
target_compile_options(payoutd_options INTERFACE
  -Wall -Wextra -Wconversion -Werror -fstack-protector-strong
  # g++ 12 warns of its own string and chrono code once it is inlined; the debug build keeps these.
  $<$<CONFIG:Release>:-g1 -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread
      -Wno-maybe-uninitialized>)
if(CMAKE_UNITY_BUILD)
  # A file's private types look to the compiler as if a header had them.
  target_compile_options(payoutd_options INTERFACE -Wno-subobject-linkage)
endif()
target_compile_definitions(payoutd_options INTERFACE
  PAYOUTD_VERSION="${PROJECT_VERSION}" SPDLOG_FMT_EXTERNAL)
target_link_libraries(payoutd_options INTERFACE
  fmt::fmt nlohmann_json::nlohmann_json Threads::Threads)
if(PAYOUTD_SANITIZE)
  target_compile_options(payoutd_options INTERFACE
    -fsanitize=${PAYOUTD_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(payoutd_options INTERFACE -fsanitize=${PAYOUTD_SANITIZE})
else()
  target_compile_definitions(payoutd_options INTERFACE $<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
endif()

# Precompiled headers are built once each and shared by every layer that asks for the same set.
function(payoutd_pch name)
  add_library(${name} OBJECT ${CMAKE_SOURCE_DIR}/scripts/cmake/precompiled.cpp)
  target_link_libraries(${name} PRIVATE payoutd_options ${ARGN_LIBS})
  cmake_parse_arguments(A "" "" "HEADERS;LIBS" ${ARGN})
  target_link_libraries(${name} PRIVATE ${A_LIBS})
  target_precompile_headers(${name} PRIVATE ${A_HEADERS})
endfunction()

set(PAYOUTD_CORE_HEADERS
  <algorithm> <array> <atomic> <chrono> <condition_variable> <cstdint> <deque> <expected>
  <functional> <map> <memory> <mutex> <optional> <span> <string> <string_view> <thread>
  <unordered_map> <utility> <variant> <vector> <fmt/format.h> <nlohmann/json.hpp>)
payoutd_pch(pch_core HEADERS ${PAYOUTD_CORE_HEADERS})
payoutd_pch(pch_pg HEADERS ${PAYOUTD_CORE_HEADERS} <pqxx/pqxx> LIBS PkgConfig::PQXX)
payoutd_pch(pch_http HEADERS ${PAYOUTD_CORE_HEADERS} <httplib.h> LIBS PkgConfig::HTTPLIB)

# payoutd_closure(<closure> <libs> <layer>...) sets the names of all layers beneath those given, with
# them, and of the libraries that they need.
function(payoutd_closure closure_out libs_out)
  set(closure)
  set(libs)
  foreach(layer ${ARGN})
    if(TARGET ${layer})
      get_property(more GLOBAL PROPERTY PAYOUTD_CLOSURE_${layer})
      list(APPEND closure ${more})
      get_property(more GLOBAL PROPERTY PAYOUTD_LIBS_${layer})
      list(APPEND libs ${more})
    endif()
  endforeach()
  list(REMOVE_DUPLICATES closure)
  list(REMOVE_DUPLICATES libs)
  set(${closure_out} ${closure} PARENT_SCOPE)
  set(${libs_out} ${libs} PARENT_SCOPE)
endfunction()

# payoutd_layer(<name> DIR <folder> [ROOMS <folder>...] [DEPS <layer>...] [LIBS <target>...]
#               [PCH core|pg|http])
# ROOMS are folders inside the layer's own: tests/structure holds their order.
function(payoutd_layer name)
  cmake_parse_arguments(A "" "DIR;PCH" "ROOMS;DEPS;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${A_DIR}/*.cpp)
  foreach(room ${A_ROOMS})
    file(GLOB more CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${A_DIR}/${room}/*.cpp)
    list(APPEND sources ${more})
  endforeach()
  if(NOT sources)
    return()   # A folder appears with its first working use.
  endif()
  add_library(${name} OBJECT ${sources})
  target_link_libraries(${name} PUBLIC payoutd_options ${A_LIBS})
  payoutd_closure(closure libs ${A_DEPS})
  list(PREPEND closure ${name})
  list(PREPEND libs ${A_LIBS})
  target_link_libraries(${name} PUBLIC ${libs})
  set_property(GLOBAL PROPERTY PAYOUTD_CLOSURE_${name} ${closure})
  set_property(GLOBAL PROPERTY PAYOUTD_LIBS_${name} ${libs})
  if(NOT A_PCH)
    set(A_PCH core)
  endif()
  target_precompile_headers(${name} REUSE_FROM pch_${A_PCH})
endfunction()

# payoutd_program(<name> SOURCES <file>... USES <layer>... [LIBS <target>...])
function(payoutd_program name)
  cmake_parse_arguments(A "" "PCH" "SOURCES;USES;LIBS" ${ARGN})
  payoutd_closure(closure libs ${A_USES})
  add_executable(${name} ${A_SOURCES})
  foreach(layer ${closure})
    target_sources(${name} PRIVATE $<TARGET_OBJECTS:${layer}>)
  endforeach()
  target_link_libraries(${name} PRIVATE payoutd_options ${libs} ${A_LIBS})
  if(A_PCH)
    target_precompile_headers(${name} REUSE_FROM pch_${A_PCH})
  endif()
endfunction()
