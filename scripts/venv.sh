# Sourced by the scripts here: `ready FOLDER EXTRAS` makes a virtual environment with this checkout in it, once per setup.cfg.
find_python() {
  local name
  for name in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.10 python}; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
      echo "$name"
      return
    fi
  done
  echo "No Python 3.10 or newer found; install one, or name it: PYTHON=/path/to/python3 $0" >&2
  exit 1
}

ready() {
  local folder=$1 extras=$2 python stamp
  python=$(find_python) || exit 1
  stamp="$(cat setup.cfg pyproject.toml | cksum) $extras $("$python" -V)"
  [ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ] && return
  echo "Installing into $folder ..." >&2
  rm -rf "$folder"
  "$python" -m venv "$folder"
  # compat: the checkout itself goes on the path, in place of an import hook that every start would pay for.
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check \
    --config-settings editable_mode=compat --editable ".$extras"
  echo "$stamp" > "$folder/stamp"
}
