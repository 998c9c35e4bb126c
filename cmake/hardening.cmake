# What makes an attacker's work harder in what is shipped. tests/e2e/test_binaries.py reads the binaries for it.
# Sanitizers find more than these, and get along with few of them.
include(CheckCXXCompilerFlag)

function(harden target)
  set(optimizes $<CONFIG:Release,RelWithDebInfo,MinSizeRel>)
  target_compile_options(${target} INTERFACE -fstack-protector-strong -fPIE)
  target_link_options(${target} INTERFACE -pie -Wl,-z,relro,-z,now)
  # The second is for x86, the third for arm64; where a compiler or an architecture lacks one, there is nothing to do.
  # clang only warns about what it does not use.
  set(CMAKE_REQUIRED_FLAGS -Werror)
  foreach(flag -fstack-clash-protection -fcf-protection -mbranch-protection=standard)
    string(MAKE_C_IDENTIFIER "HAS${flag}" known)
    check_cxx_compiler_flag(${flag} ${known})
    if(${known})
      target_compile_options(${target} INTERFACE ${flag})
    endif()
  endforeach()
  # A distribution that sets a level itself knows why; the library's headers warn when nothing is optimized.
  if(NOT CMAKE_CXX_FLAGS MATCHES "_FORTIFY_SOURCE")
    target_compile_options(${target} INTERFACE
      $<${optimizes}:-U_FORTIFY_SOURCE> $<${optimizes}:-D_FORTIFY_SOURCE=2>)
  endif()
  if(NOT CMAKE_CXX_FLAGS MATCHES "_GLIBCXX_ASSERTIONS")
    target_compile_definitions(${target} INTERFACE _GLIBCXX_ASSERTIONS)
  endif()
endfunction()
