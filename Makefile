# placeholder: see .ci/
