# What `cmake --install` puts below a prefix: the library, the public headers, the tools, and the package for find_package.
# The tools' own rules stand in tools/CMakeLists.txt.
include(CMakePackageConfigHelpers)

set_target_properties(skein PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
foreach(tool skein-opt skein-run skein-info)
  if(TARGET ${tool})
    set_target_properties(${tool} PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}" INSTALL_RPATH_USE_LINK_PATH ON)
  endif()
endforeach()

install(TARGETS skein LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS skein_emulated LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})  # loaded with SKEIN_PLATFORM=emulated
if(TARGET skein_mpi)
  install(TARGETS skein_mpi LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})  # loaded when there are several processes
endif()
install(DIRECTORY ${CMAKE_SOURCE_DIR}/frontend/include/skein DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(DIRECTORY ${CMAKE_SOURCE_DIR}/runtime/base/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/skein/base FILES_MATCHING PATTERN "*.h")

set(SKEIN_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/skein)
set(SKEIN_LIBRARY_FILE ${CMAKE_SHARED_LIBRARY_PREFIX}skein${CMAKE_SHARED_LIBRARY_SUFFIX})
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/skeinConfig.cmake.in ${CMAKE_BINARY_DIR}/skeinConfig.cmake
  INSTALL_DESTINATION ${SKEIN_PACKAGE_DIR} PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/skeinConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/skeinConfig.cmake ${CMAKE_BINARY_DIR}/skeinConfigVersion.cmake DESTINATION ${SKEIN_PACKAGE_DIR})
install(FILES ${CMAKE_SOURCE_DIR}/third_party/pocketfft/LICENSE.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/skein RENAME LICENSE.pocketfft.md)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/skein)
