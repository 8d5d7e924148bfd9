cwlVersion: v1.2
class: CommandLineTool
id: pictures
label: Results of many kinds
doc: Makes an image, tables, GeoJSON, a STAC catalogue and text.
requirements:
  InlineJavascriptRequirement: {}
  InitialWorkDirRequirement:
    listing:
      - entryname: rows.csv
        entry: |
          name,area,note
          "Lake, upper",12.5,clear
          Pond,0.25,"<script>alert('csv')</script>"
      - entryname: rows.json
        entry: '[{"station": "A1", "level": 4.2}, {"station": "B2", "level": 3.9}]'
      - entryname: places.geojson
        entry: |
          {"type": "FeatureCollection", "features": [
            {"type": "Feature", "id": "<img src=x onerror=alert('id')>", "properties": {"name": "<img src=x onerror=alert('geojson')>"}, "geometry": {"type": "Polygon", "coordinates": [[[5, 45], [15, 45], [15, 52], [5, 52], [5, 45]]]}},
            {"type": "Feature", "properties": {"name": "Rome"}, "geometry": {"type": "Point", "coordinates": [12.5, 41.9]}}]}
      - entryname: active.svg
        entry: |
          <svg xmlns="http://www.w3.org/2000/svg" width="120" height="60" onload="alert('svg')"><script>alert('svg')</script><rect width="120" height="60" fill="teal"/></svg>
      - entryname: page.html
        entry: "<script>alert('html')</script><p>A page of somebody</p>"
      - entryname: catalog.json
        entry: |
          {"stac_version": "1.0.0", "type": "Catalog", "id": "<script>alert('stac')</script>", "description": "<img src=x onerror=alert('stac')>", "links": [{"rel": "item", "href": "./item.json"}, {"rel": "item", "href": "javascript:alert('link')"}, {"rel": "item", "href": "/processes/fails/execution"}, {"rel": "item", "href": "../../../../processes/fails/execution"}]}
      - entryname: item.json
        entry: |
          {"stac_version": "1.0.0", "type": "Feature", "id": "scene-1", "geometry": {"type": "Polygon", "coordinates": [[[11, 43], [13, 43], [13, 44], [11, 44], [11, 43]]]}, "bbox": [11, 43, 13, 44], "properties": {"datetime": "2026-01-02T03:04:05Z", "title": "<b>bold</b>"}, "assets": {"data": {"href": "./data.txt", "title": "<img src=x onerror=alert('asset')>", "type": "text/plain"}, "bad": {"href": "javascript:alert('asset')"}}, "links": []}
      - entryname: make.py
        entry: |
          import struct, sys, zlib
          def chunk(kind, data):
              return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
          def png(width, height):
              rows = b"".join(b"\0" + bytes(v for x in range(width) for v in (x * 255 // width, y * 255 // height, 120)) for y in range(height))
              return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
          def tiff(width, height):
              keys = struct.pack("<12H", 1, 1, 0, 2, 1024, 0, 1, 2, 2048, 0, 1, 4326)
              doubles = struct.pack("<9d", 0.1, 0.1, 0, 0, 0, 0, 10.0, 50.0, 0)
              pixels = bytes(width * height)
              at = 8 + 2 + 12 * 10 + 4
              entries = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, at + 24 + 72), (277, 3, 1, 1), (33550, 12, 3, at + 24), (33922, 12, 6, at + 48), (34735, 3, 12, at)]
              return struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", 10) + b"".join(struct.pack("<HHII", *e) for e in entries) + struct.pack("<I", 0) + keys + doubles + pixels
          open("image.png", "wb").write(png(320, 200))
          open("raster.tif", "wb").write(tiff(60, 40))
          sys.stderr.write("<script>alert('log')</script>\n")
baseCommand: [sh, -c, "python3 make.py && mkdir stac && cp catalog.json item.json stac/ && echo data > stac/data.txt && echo '<img src=x onerror=alert(1)>' > 'odd <img src=x onerror=alert(2)>.txt' && echo hello"]
inputs: {}
outputs:
  said: {type: stdout}
  image: {type: File, format: iana:image/png, outputBinding: {glob: image.png}}
  raster: {type: File, format: iana:image/tiff, outputBinding: {glob: raster.tif}}
  table: {type: File, format: iana:text/csv, outputBinding: {glob: rows.csv}}
  rows: {type: File, format: iana:application/json, outputBinding: {glob: rows.json}}
  places: {type: File, format: iana:application/geo+json, outputBinding: {glob: places.geojson}}
  drawing: {type: File, format: iana:image/svg+xml, outputBinding: {glob: active.svg}}
  page: {type: File, format: iana:text/html, outputBinding: {glob: page.html}}
  odd: {type: File, format: iana:text/plain, outputBinding: {glob: "odd*"}}
  stac: {type: Directory, outputBinding: {glob: stac}}
stdout: said.txt
$namespaces: {iana: "https://www.iana.org/assignments/media-types/"}
