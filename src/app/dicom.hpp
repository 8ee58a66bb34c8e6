#pragma once

#include "app/command.hpp"
#include "app/found.hpp"
#include "base/io/result_source.hpp"

#include <string>

// `fovea dicom`: what its sub-commands share. One file for each of them, a row in dicom.cpp.
namespace fovea {

int dicom_pmap_command(Arguments const& arguments);
int dicom_sc_command(Arguments const& arguments);
int dicom_rtstruct_command(Arguments const& arguments);
int dicom_seg_command(Arguments const& arguments);
int dicom_sr_command(Arguments const& arguments);

/// --from, --series: the series that a result was made from.
struct DicomFrom {
  std::string path, series;
};
void offer(CLI::App& app, DicomFrom& from);
/// Throws Error{usage} unless the path holds one DICOM series (or the one that was chosen);
/// as result_source.
ResultSource source_of(DicomFrom const& from, Stop const& stop);

/// --algorithm, --algorithm-version, --weights, --made-by: who made a result.
struct DicomMade {
  std::string name, version, weights, by = "program";
};
void offer(CLI::App& app, DicomMade& made);
/// Throws Error{usage} on words that are none of program, person, both.
Provenance provenance_of(DicomMade const& made);

/// The one image with a place in the patient that a path holds. Throws Error{usage} if there
/// are several, Error{input} if there is none or it has no place.
ImageFile placed_image(std::string const& path, Stop const& stop);

/// The volume with its voxels in the source's order, if they are the same ones in another (a
/// NIfTI in RAS of a DICOM series, say); else as it is. No value changes.
Volume turned_onto(Volume const& volume, ResultSource const& source);

/// The volume on the source's grid: as it is; or, if the same voxels stand in another order,
/// turned, which touches no value; or resampled, if `how` names a way ("nearest",
/// "label-linear", "linear"). Throws Refusal{other-grid} if it is empty and the grid is
/// another; Error{usage} if there is no such way.
Volume onto_source(Volume const& volume, ResultSource const& source, std::string const& how);

}  // namespace fovea
