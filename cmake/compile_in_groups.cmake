# What nearly every file includes is most of what compiling it costs, and each instantiates the same templates again:
# with CMAKE_UNITY_BUILD, which is the default, the files of a library are compiled in groups of about fifty.
#
# compile_in_groups(TARGET [OF N] [ALONE FILE...]): beside one that includes a header that is slow to compile, none is
# compiled that does not; tests/support/header_rule.py checks it. Of what such a header defines, the release's debug
# information has lines and functions alone. OF: about N in a group instead.
function(compile_in_groups target)
  cmake_parse_arguments(PARSE_ARGV 1 HEAVY "" "OF" "ALONE")
  if(NOT HEAVY_OF)
    set(HEAVY_OF 50)
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD_MODE GROUP)
  get_target_property(files ${target} SOURCES)
  set_source_files_properties(${HEAVY_ALONE} PROPERTIES COMPILE_OPTIONS $<$<CONFIG:RelWithDebInfo>:-g1>)
  list(REMOVE_ITEM files ${HEAVY_ALONE})
  list(LENGTH files count)
  math(EXPR groups "(${count} + ${HEAVY_OF} / 2) / ${HEAVY_OF}")
  set(number 0)
  foreach(file IN LISTS files)
    math(EXPR group "${number} * ${groups} / ${count}")
    set_source_files_properties(${file} PROPERTIES UNITY_GROUP part_${group})
    math(EXPR number "${number} + 1")
  endforeach()
endfunction()
