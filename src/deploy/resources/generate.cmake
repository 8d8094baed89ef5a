# The resource types of the tables here, checked against AWS's public schemas and packed by tools/generate_resource_types.py.
set(resource_types ${CMAKE_BINARY_DIR}/generated/deploy/resource_types.cpp)
file(GLOB resource_tables CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.json)
add_custom_command(
  OUTPUT ${resource_types}
  COMMAND Python3::Interpreter ${CMAKE_SOURCE_DIR}/tools/generate_resource_types.py ${BOTOCORE_DATA} ${CMAKE_SOURCE_DIR}/src/api
          ${RESOURCE_SCHEMAS} ${CMAKE_CURRENT_LIST_DIR} ${resource_types}
  DEPENDS ${CMAKE_SOURCE_DIR}/tools/generate_resource_types.py ${CMAKE_SOURCE_DIR}/tools/generate_api.py ${resource_tables}
          ${CMAKE_CURRENT_LIST_DIR}/input_functions.cpp ${CMAKE_CURRENT_LIST_DIR}/bucket_properties.cpp ${CMAKE_CURRENT_LIST_DIR}/inline_code.cpp
          ${CMAKE_CURRENT_LIST_DIR}/network_properties.cpp
  COMMENT "Generating CloudFormation's resource types" VERBATIM)
set_source_files_properties(${resource_types} PROPERTIES COMPILE_OPTIONS "-g0")
set(TARN_GENERATED_deploy ${resource_types})
