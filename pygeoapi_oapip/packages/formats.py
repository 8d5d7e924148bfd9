"""Media types of CWL `format` URIs and of file names."""

from __future__ import annotations

from collections.abc import Sequence

BINARY = "application/octet-stream"
GEOTIFF = "image/tiff; application=geotiff"
COG = "image/tiff; application=geotiff; profile=cloud-optimized"

_IANA = ("https://www.iana.org/assignments/media-types/", "http://www.iana.org/assignments/media-types/")
_OGC = "www.opengis.net/def/media-type/ogc/1.0/"
_EDAM = "edamontology.org/format_"

_OF_EDAM = {
    "1915": BINARY,
    "1929": "text/x-fasta",
    "1930": "text/x-fastq",
    "1964": "text/plain",
    "2330": "text/plain",
    "2331": "text/html",
    "2332": "application/xml",
    "2333": BINARY,
    "2376": "application/rdf+xml",
    "3016": "text/x-vcf",
    "3255": "text/turtle",
    "3256": "application/n-triples",
    "3261": "application/rdf+xml",
    "3262": "application/owl+xml",
    "3464": "application/json",
    "3475": "text/tab-separated-values",
    "3506": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "3508": "application/pdf",
    "3547": "image/*",
    "3579": "image/jpeg",
    "3590": "application/x-hdf5",
    "3591": "image/tiff",
    "3592": "image/bmp",
    "3603": "image/png",
    "3604": "image/svg+xml",
    "3620": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "3650": "application/x-netcdf",
    "3727": "image/tiff",
    "3750": "application/yaml",
    "3752": "text/csv",
    "3987": "application/zip",
    "3989": "application/gzip",
}

_OF_OGC = {
    "geotiff": GEOTIFF,
    "geojson": "application/geo+json",
    "netcdf": "application/x-netcdf",
    "gml": "application/gml+xml",
    "geopackage": "application/geopackage+sqlite3",
    "gpkg": "application/geopackage+sqlite3",
    "kml": "application/vnd.google-earth.kml+xml",
}

_OF_EXTENSION = {
    "avi": "video/x-msvideo",
    "bin": BINARY,
    "cog": COG,
    "csv": "text/csv",
    "cwl": "application/cwl+yaml",
    "fgb": "application/vnd.flatgeobuf",
    "geojson": "application/geo+json",
    "gif": "image/gif",
    "gml": "application/gml+xml",
    "gpkg": "application/geopackage+sqlite3",
    "grb": "application/x-grib",
    "grib": "application/x-grib",
    "grib2": "application/x-grib2",
    "gz": "application/gzip",
    "h5": "application/x-hdf5",
    "hdf": "application/x-hdf",
    "hdf5": "application/x-hdf5",
    "htm": "text/html",
    "html": "text/html",
    "jp2": "image/jp2",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "jsonld": "application/ld+json",
    "kml": "application/vnd.google-earth.kml+xml",
    "kmz": "application/vnd.google-earth.kmz",
    "laz": "application/vnd.laszip",
    "log": "text/plain",
    "md": "text/markdown",
    "nc": "application/x-netcdf",
    "nc4": "application/x-netcdf",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "geoparquet": "application/vnd.apache.parquet",
    "pdf": "application/pdf",
    "png": "image/png",
    "rdf": "application/rdf+xml",
    "shp": "application/vnd.shp",
    "svg": "image/svg+xml",
    "tar": "application/x-tar",
    "tgz": "application/gzip",
    "tif": GEOTIFF,
    "tiff": GEOTIFF,
    "tsv": "text/tab-separated-values",
    "ttl": "text/turtle",
    "txt": "text/plain",
    "vrt": "application/xml",
    "wkt": "text/plain",
    "xml": "application/xml",
    "yaml": "application/yaml",
    "yml": "application/yaml",
    "zarr": "application/vnd.zarr",
    "zip": "application/zip",
}

_PREFERRED = {
    "text/plain": ".txt",
    "text/html": ".html",
    "image/jpeg": ".jpg",
    "image/tiff": ".tif",
    GEOTIFF: ".tif",
    "application/x-netcdf": ".nc",
    "application/xml": ".xml",
}

_ALIASES = {
    "application/geotiff": GEOTIFF,
    "image/geotiff": GEOTIFF,
    "application/netcdf": "application/x-netcdf",
    "application/x-hdf": "application/x-hdf5",
    "text/json": "application/json",
    "text/xml": "application/xml",
    "text/yaml": "application/yaml",
    "application/x-yaml": "application/yaml",
}


def media_type_of_format(uri: str) -> str:
    """The media type that a CWL `format` stands for.

    Args:
        uri: in full: an IANA media type address, an EDAM or OGC format, or a bare media type.

    Returns:
        "" where it is not known.
    """
    for prefix in _IANA:
        if uri.startswith(prefix):
            return uri.removeprefix(prefix)
    if _OGC in uri:
        return _OF_OGC.get(uri.rpartition(_OGC)[2].rstrip("/").rpartition("/")[2].lower(), "")
    if _EDAM in uri:
        return _OF_EDAM.get(uri.rpartition(_EDAM)[2], "")
    return uri if uri.count("/") == 1 and ":" not in uri and "#" not in uri else ""


def media_type_of_name(name: str) -> str:
    """The media type by the extension of a file name; `application/octet-stream` where it is not known."""
    return _OF_EXTENSION.get(name.lower().rpartition(".")[2] if "." in name else "", BINARY)


def extension_of(media_type: str) -> str:
    """The usual extension of a media type with its point, for files made of inline values; "" where unknown."""
    wanted = canonical(media_type)
    if wanted in _PREFERRED:
        return _PREFERRED[wanted]
    for extension, known in _OF_EXTENSION.items():
        if canonical(known) == wanted and wanted != BINARY:
            return "." + extension
    return ""


def is_text(media_type: str) -> bool:
    """Whether inline content of a media type is text, so that a plain string holds it as it is."""
    bare = media_type.lower().partition(";")[0].strip()
    return bare.startswith("text/") or bare.endswith(("json", "xml", "yaml")) or bare in ("", "application/x-ndjson")


def format_for(formats: Sequence[str], media_type: str) -> str:
    """Of the formats that an input allows, the one of a media type; else the first one; "" where it has none.

    cwltool refuses a File without `format` where the input declares one.
    """
    for uri in formats:
        if media_type and canonical(media_type_of_format(uri)) == canonical(media_type):
            return uri
    return formats[0] if formats else ""


def canonical(media_type: str) -> str:
    """The media type in lower case, one blank after each semicolon, and known aliases replaced."""
    bare = "; ".join(part.strip() for part in media_type.lower().split(";"))
    return _ALIASES.get(bare, bare)
