#!/bin/sh
# Makes the tables of paper/ from a reference run, and the paper if there is a
# LaTeX: paper/tables.tex, paper/paper.pdf.
#
# Usage: scripts/paper.sh [RUN]
#   RUN  a result directory (default: the last results/reference-* by name)
set -eu
cd "$(dirname "$0")/.."
run=${1:-$(ls -d results/reference-*/ 2>/dev/null | tail -1)}
[ -n "$run" ] || {
	echo "paper.sh: there is no results/reference-*; name a result directory" >&2
	exit 2
}
go run ./experiments report --tex paper/tables.tex "$run" >/dev/null
echo "paper/tables.tex from $run"
if command -v pdflatex >/dev/null; then
	(cd paper && pdflatex -interaction=batchmode -halt-on-error paper.tex >/dev/null 2>&1)
	echo "paper/paper.pdf"
else
	echo "no pdflatex here: paper/paper.pdf not made (apt-get install texlive-latex-base)"
fi
