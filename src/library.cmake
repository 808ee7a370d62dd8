# The installed library: all of the folders' libraries and ggml in one shared object, so that a project that uses
# alref needs nothing but alref.
get_property(folders GLOBAL PROPERTY ALREF_LIBRARIES)
list(TRANSFORM folders REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>" OUTPUT_VARIABLE objects)
add_library(libalref SHARED ${objects})
add_library(alref::alref ALIAS libalref)
set_target_properties(libalref PROPERTIES
  OUTPUT_NAME alref
  EXPORT_NAME alref
  VERSION "${PROJECT_VERSION}"
  SOVERSION "${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}")
target_include_directories(libalref INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
target_compile_features(libalref INTERFACE cxx_std_20)
target_link_libraries(libalref PRIVATE ${folders})  # for what they link to in their turn
# Another ggml in the same process must not meet ours.
target_link_options(libalref PRIVATE "LINKER:--exclude-libs,libggml.a:libggml-base.a:libggml-cpu.a")

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
install(TARGETS alref RUNTIME COMPONENT program)
install(TARGETS libalref EXPORT alrefTargets LIBRARY)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/alref" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT alrefTargets NAMESPACE alref:: DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/alref")
file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/alrefConfig.cmake"
     "include(\"\${CMAKE_CURRENT_LIST_DIR}/alrefTargets.cmake\")\n")
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/alrefConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/alrefConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/alrefConfigVersion.cmake"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/alref")
