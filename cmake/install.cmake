# What `cmake --install` puts under a prefix: the programs, the libraries, their headers, and what
# find_package(Fovea) needs. A user's project then links fovea::base_image, fovea::learn_nn, ...

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(FOVEA_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/Fovea)

# fovea_install(): call it once, below the list of concepts.
function(fovea_install)
  get_property(concepts GLOBAL PROPERTY FOVEA_CONCEPTS)
  install(TARGETS ${concepts} EXPORT Fovea
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/fovea
    FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/fovea)
  install(EXPORT Fovea NAMESPACE fovea:: FILE FoveaTargets.cmake DESTINATION ${FOVEA_CMAKE_DIR})
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/FoveaConfig.cmake.in
    ${PROJECT_BINARY_DIR}/FoveaConfig.cmake INSTALL_DESTINATION ${FOVEA_CMAKE_DIR})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/FoveaConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/FoveaConfig.cmake ${PROJECT_BINARY_DIR}/FoveaConfigVersion.cmake
    ${PROJECT_SOURCE_DIR}/cmake/FindLibTorch.cmake DESTINATION ${FOVEA_CMAKE_DIR})
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
endfunction()
