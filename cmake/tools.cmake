# ccache and a fast linker are used where they are found; nothing fails without them.
find_program(CCACHE ccache)
if(CCACHE)
  # One clone finds what another compiled, wherever it stands.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD AND NOT TARN_SANITIZE AND NOT TARN_FUZZ)
  add_link_options(-fuse-ld=mold)
endif()
