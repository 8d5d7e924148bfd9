"""Packaging; versions are pinned per Python version in .ci/constraints."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = re.search(r'__version__ = "([^"]+)"', (ROOT / "pygeoapi_oapip" / "__init__.py").read_text(encoding="utf-8"))[
    1
]

setup(
    name="pygeoapi-oapip",
    version=VERSION,
    description="OGC API - Processes on pygeoapi: deploy and run CWL application packages",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["pygeoapi_oapip", "pygeoapi_oapip.*"]),
    package_data={
        "pygeoapi_oapip": [
            "py.typed",
            "ogcapi/openapi/*.yaml",
            "ui/templates/**/*",
            "ui/static/**/*",
            "store/migrations/**/*",
            "cli/examples/**/*",
        ]
    },
    install_requires=[
        "pygeoapi>=0.21,<0.25",
        "pywps>=4.8.1",
        "cwltool>=3.3",
        "cwl-utils>=0.45,<1",
        "kubernetes>=37,!=37.0.2",
        "requests>=2.32",
        "boto3>=1.44",
        "sqlalchemy>=2.0.44,<3",
        "pyyaml>=6",
        "pydantic>=2.9,<3",
        "click>=8.1",
        "alembic>=1.14",
        "gunicorn>=23; platform_system != 'Windows'",
        "jsonschema>=4.23",
        "joserfc>=1.8,<2",
        "quickjs-ng>=0.17",
        "rdflib>=7",
        "rich>=13",
    ],
    extras_require={"postgres": ["psycopg[binary]>=3.2"]},
    entry_points={"console_scripts": ["oapip=pygeoapi_oapip.cli:main"]},
)
