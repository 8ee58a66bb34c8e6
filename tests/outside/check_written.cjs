// Reads a segmentation that fovea wrote with dcmjs and holds it against the mask it was made of.
//   node check_written.cjs OBJECT.dcm MASK.raw SERIES VALUE...
// MASK.raw: one byte a voxel, on the grid of the series; VALUE: of segment 1, 2, ...
const fs = require("fs");
const path = require("path");
const dcmjs = require("dcmjs");

const read = (file) => {
  const bytes = fs.readFileSync(file);
  const room = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return dcmjs.data.DicomMetaDictionary.naturalizeDataset(dcmjs.data.DicomMessage.readFile(room).dict);
};
const one = (item) => (Array.isArray(item) ? item[0] : item);
const fail = (words) => {
  console.error(words);
  process.exit(1);
};

const [object, mask, series, ...values] = process.argv.slice(2);
const images = fs.readdirSync(series).map((name) => read(path.join(series, name)));
const [a, b, c, d, e, f] = images[0].ImageOrientationPatient.map(Number);
const normal = [b * f - c * e, c * d - a * f, a * e - b * d];
const along = (place) => place.reduce((sum, v, n) => sum + Number(v) * normal[n], 0);
images.sort((x, y) => along(x.ImagePositionPatient) - along(y.ImagePositionPatient));

const seg = read(object);
const voxels = fs.readFileSync(mask);
const plane = seg.Rows * seg.Columns;
const pixels = new Uint8Array(one(seg.PixelData));
if (seg.Modality !== "SEG" || seg.SegmentationType !== "BINARY") fail("no binary segmentation");
if (seg.PatientID !== images[0].PatientID) fail("another patient");
const frames = Number(seg.NumberOfFrames);
const bits = dcmjs.data.BitArray.unpack(pixels);
let marked = 0;
for (let n = 0; n < frames; ++n) {
  const groups = seg.PerFrameFunctionalGroupsSequence[n];
  const source = one(one(groups.DerivationImageSequence).SourceImageSequence).ReferencedSOPInstanceUID;
  const k = images.findIndex((image) => image.SOPInstanceUID === source);
  const place = one(groups.PlanePositionSequence).ImagePositionPatient.map(Number);
  const off = place.map((v, axis) => Math.abs(v - Number(images[k].ImagePositionPatient[axis])));
  if (Math.max(...off) > 1e-6) fail(`frame ${n} lies elsewhere`);
  const value = Number(values[one(groups.SegmentIdentificationSequence).ReferencedSegmentNumber - 1]);
  for (let at = 0; at < plane; ++at) {
    const want = voxels[k * plane + at] === value ? 1 : 0;
    if ((bits[n * plane + at] ? 1 : 0) !== want) fail(`frame ${n} differs at pixel ${at}`);
    marked += want;
  }
}
const all = voxels.filter((v) => v > 0).length;
if (marked !== all) fail(`${marked} voxels of ${all}`);
console.log(`dcmjs: ${frames} frames, ${marked} voxels as they should be`);
