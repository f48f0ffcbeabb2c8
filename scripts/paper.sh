#!/bin/sh
# Makes the paper: its numbers and tables from the reference runs in results/, and
# paper/paper.pdf if there is a LaTeX here.
#
# Usage: scripts/paper.sh
# Exit status: 0 all went well; 1 something failed; 2 it cannot be done here.
set -eu
case ${1:-} in
-h | --help)
	sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0"
	exit 0
	;;
esac
[ $# -eq 0 ] || {
	echo "paper.sh: unexpected argument '$1' (valid: --help)" >&2
	exit 2
}
cd "$(dirname "$0")/.."
command -v go >/dev/null || {
	echo "paper.sh: Go is not installed: get Go 1.26 or later from https://go.dev/dl/" >&2
	exit 2
}
go run ./scripts/docs
if command -v pdflatex >/dev/null; then
	(cd paper && pdflatex -interaction=batchmode -halt-on-error paper.tex >/dev/null) || {
		echo "paper.sh: pdflatex failed: see paper/paper.log" >&2
		exit 1
	}
	echo "paper/paper.pdf"
else
	echo "no pdflatex here: paper/paper.pdf not made (apt-get install texlive-latex-base)"
fi
