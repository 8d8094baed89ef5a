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
# AWS's tables are 12 MB of pointers. A program that can stand anywhere in memory relocates them all at each start: 3,000 page faults, a third of the
# time until the first answer, and 21 MB more resident memory. So the program stands at a fixed place; its libraries, stack and heap do not.
if(NOT TARN_SANITIZE AND NOT TARN_FUZZ)
  add_link_options($<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-no-pie>)
endif()
