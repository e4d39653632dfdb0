#!/bin/sh
# tests/setup.sh: install the Debian packages that some tests need and this machine lacks. Without them `make test` skips those
# tests. Uses sudo where the user is not root, and asks first.
set -eu
packages=
# Servers and other engines run in Python environments; Debian's Python comes without venv.
python3 -c 'import ensurepip, venv' 2>/dev/null || packages="$packages python3 python3-venv"
# The image of large jobs is built and run without a daemon.
command -v buildah >/dev/null || packages="$packages buildah"
# Instructions are counted with it.
command -v valgrind >/dev/null || packages="$packages valgrind"
# Shell scripts are checked with it.
command -v shellcheck >/dev/null || packages="$packages shellcheck"
# Report pages are looked at in a browser.
command -v chromium >/dev/null || packages="$packages chromium"
command -v npm >/dev/null || packages="$packages npm"

if [ -z "$packages" ]; then
    echo "setup: nothing to install"
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "setup: there is no apt-get; install by other means:$packages" >&2
    exit 1
fi
sudo=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "setup: as root, run: apt-get install$packages" >&2
        exit 1
    fi
    sudo=sudo
    if [ -t 0 ]; then
        printf 'setup: install%s with sudo apt-get? [y/N] ' "$packages"
        read -r answer
        case $answer in [yY]*) ;; *) exit 1 ;; esac
    fi
fi
$sudo apt-get update -qq
# shellcheck disable=SC2086 # one word per package
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y $packages
echo "setup: installed$packages"
