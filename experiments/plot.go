package main

import (
	"flag"
	"fmt"
	"io"
	"path/filepath"

	"numasched/experiments/plot"
)

const plotHelp = `
usage: experiments plot DIR

Draws the figures of a result directory again, as SVG and PNG, from its
results.txt and run.json. The same results give the same bytes of SVG.
`

func plotCmd(args []string, stdout, stderr io.Writer) int {
	res, status := loadArg(flag.NewFlagSet("plot", flag.ContinueOnError), plotHelp, args, stdout, stderr)
	if res == nil {
		return status
	}
	figures := plot.Figures(res)
	if err := plot.Write(res.Dir, figures); err != nil {
		return fail(stderr, "plot", err)
	}
	for _, f := range figures {
		fmt.Fprintln(stdout, filepath.Join(res.Dir, f.Name+".svg"))
		fmt.Fprintln(stdout, filepath.Join(res.Dir, f.Name+".png"))
	}
	return 0
}
