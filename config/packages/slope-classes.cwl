cwlVersion: v1.2
class: CommandLineTool
id: slope-classes
label: Slope classes
doc: |
  Sorts the cells of a raster into classes between thresholds. Makes the classified GeoTIFF, a picture of it and the
  number of cells and the area of each class.
$namespaces:
  s: https://schema.org/
s:softwareVersion: 1.0.0
s:keywords: [raster, terrain, classification]
requirements:
  InlineJavascriptRequirement: {}
  InitialWorkDirRequirement:
    listing:
      - entryname: classify.py
        entry: |
          import json
          import sys

          import numpy
          import rasterio

          COLOURS = [(255, 255, 204), (161, 218, 180), (65, 182, 196), (34, 94, 168), (8, 29, 88), (84, 39, 136)]

          source, thresholds = sys.argv[1], [float(text) for text in sys.argv[2:]]
          if thresholds != sorted(set(thresholds)):
              sys.exit("thresholds must grow from one to the next")

          with rasterio.open(source) as raster:
              values, profile = raster.read(1, masked=True), raster.profile
              cell = abs(raster.transform.a * raster.transform.e)
          print(f"{raster.name.rpartition('/')[2]}: {raster.width} x {raster.height} cells", file=sys.stderr)

          classes = numpy.digitize(values.filled(numpy.nan), thresholds).astype("uint8") + 1
          classes[numpy.ma.getmaskarray(values)] = 0
          profile.update(dtype="uint8", nodata=0, compress="deflate")
          with rasterio.open("classes.tif", "w", **profile) as target:
              target.write(classes, 1)

          picture = numpy.zeros((3, *classes.shape), dtype="uint8")
          for number in range(1, len(thresholds) + 2):
              for band, level in enumerate(COLOURS[(number - 1) % len(COLOURS)]):
                  picture[band][classes == number] = level
          profile = {key: profile[key] for key in ("width", "height", "crs", "transform", "dtype")}
          with rasterio.open("quicklook.png", "w", driver="PNG", count=3, **profile) as target:
              target.write(picture)

          limits = [None, *thresholds, None]
          statistics = []
          for number in range(1, len(thresholds) + 2):
              count = int((classes == number).sum())
              row = {"class": number, "from": limits[number - 1], "to": limits[number], "cells": count}
              statistics.append(row | {"area": count * cell})
              print(f"class {number}: {count} cells", file=sys.stderr)
          with open("statistics.json", "w") as target:
              json.dump({"classes": statistics, "cells": int(values.count())}, target, indent=1)
hints:
  ResourceRequirement: {coresMax: 1, ramMax: 512}
  SoftwareRequirement:
    packages: {rasterio: {version: ["1.4"]}, numpy: {}}
baseCommand: [python3, classify.py]
inputs:
  raster:
    type: File
    label: Raster
    doc: A raster that GDAL reads, such as a GeoTIFF; its first band is classified.
    inputBinding: {position: 1}
  thresholds:
    type: double[]
    label: Thresholds
    doc: Limits between the classes, growing, in the unit of the raster.
    default: [100, 200, 300]
    inputBinding: {position: 2}
outputs:
  classes:
    type: File
    label: Classified raster
    doc: GeoTIFF with 1 for the first class and 0 where there is no data.
    format: https://www.iana.org/assignments/media-types/image/tiff
    outputBinding: {glob: classes.tif}
  statistics:
    type: File
    label: Cells and area of each class
    format: https://www.iana.org/assignments/media-types/application/json
    outputBinding: {glob: statistics.json}
  quicklook:
    type: File
    label: Picture of the classes
    format: https://www.iana.org/assignments/media-types/image/png
    outputBinding: {glob: quicklook.png}
  cells:
    type: int[]
    label: Number of cells in each class
    outputBinding:
      glob: statistics.json
      loadContents: true
      outputEval: "$(JSON.parse(self[0].contents).classes.map(function (row) { return row.cells; }))"
