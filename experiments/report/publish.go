package report

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"numasched/experiments/harness"
	"numasched/experiments/page"
	"numasched/experiments/plot"
)

// Publish writes the figures and the page of a run.
func Publish(res *harness.Results) error {
	figures := plot.Figures(res)
	return write(res, func() error {
		return errors.Join(plot.Write(res.Dir, figures), pageFile(res, figures))
	})
}

// write calls do with the directory of res locked.
func write(res *harness.Results, do func() error) error {
	lock, err := harness.LockDir(res.Dir)
	if errors.As(err, new(*harness.BusyError)) {
		return fmt.Errorf("%s: %w", res.Dir, err)
	}
	if err != nil {
		return err
	}
	defer lock.Unlock()
	return do()
}

// WritePage writes the page of a run, with all figures in it.
func WritePage(res *harness.Results) error {
	return write(res, func() error { return pageFile(res, plot.Figures(res)) })
}

// WriteFigures writes the figures of a run into its directory, and returns the files.
func WriteFigures(res *harness.Results) (files []string, err error) {
	figures := plot.Figures(res)
	for _, f := range figures {
		files = append(files, filepath.Join(res.Dir, f.Name+".svg"), filepath.Join(res.Dir, f.Name+".png"))
	}
	return files, write(res, func() error { return plot.Write(res.Dir, figures) })
}

// pageFile writes the page with these figures in it. The directory is locked.
func pageFile(res *harness.Results, figures []plot.Figure) error {
	return harness.WriteFile(filepath.Join(res.Dir, harness.ReportFile), func(w io.Writer) error { return page.Write(w, res, figures) })
}
