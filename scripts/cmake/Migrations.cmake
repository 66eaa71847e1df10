# Puts migrations/NNNN_name.sql into the program, so that an installed one needs no source folder.
# Included while configuring, it adds the generated file to the layer pg; run as a script (with
# OUTPUT and FOLDER), it writes that file.
if(CMAKE_SCRIPT_MODE_FILE)
  file(GLOB files RELATIVE ${FOLDER} ${FOLDER}/*.sql)
  list(SORT files)
  set(rows "")
  foreach(file ${files})
    if(NOT file MATCHES "^([0-9][0-9][0-9][0-9])_([a-z0-9_]+)\\.sql$")
      message(FATAL_ERROR "migrations/${file} has to be named NNNN_name.sql")
    endif()
    set(number ${CMAKE_MATCH_1})
    set(name ${CMAKE_MATCH_2})
    string(REGEX REPLACE "^0+([0-9])" "\\1" number ${number})
    file(READ ${FOLDER}/${file} sql)
    string(APPEND rows "      {${number}, \"${name}\", R\"payoutd_sql(${sql})payoutd_sql\"},\n")
  endforeach()
  file(WRITE ${OUTPUT}.part "// Made from migrations/*.sql by the build.
#include \"pg/migrate.h\"

namespace payoutd::pg {

const std::vector<Migration>& migrations() {
  static const std::vector<Migration> all{
${rows}  };
  return all;
}

}  // namespace payoutd::pg
")
  file(RENAME ${OUTPUT}.part ${OUTPUT})
  return()
endif()

if(TARGET pg)
  set(PAYOUTD_MIGRATIONS ${CMAKE_BINARY_DIR}/generated/migrations.cpp)
  file(GLOB migrations CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/migrations/*.sql)
  # The list of names is a dependency too: a file that goes away changes no other.
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/migrations.list CONTENT "${migrations}\n")
  add_custom_command(OUTPUT ${PAYOUTD_MIGRATIONS}
    COMMAND ${CMAKE_COMMAND} -DFOLDER=${CMAKE_SOURCE_DIR}/migrations
            -DOUTPUT=${PAYOUTD_MIGRATIONS} -P ${CMAKE_CURRENT_LIST_FILE}
    DEPENDS ${migrations} ${CMAKE_BINARY_DIR}/generated/migrations.list ${CMAKE_CURRENT_LIST_FILE}
    VERBATIM)
  target_sources(pg PRIVATE ${PAYOUTD_MIGRATIONS})
endif()
