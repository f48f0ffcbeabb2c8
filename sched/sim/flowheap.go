package sim

// The flows of a class are a binary heap by end, then seq.

func (a *flow) before(b *flow) bool {
	if d := a.end - b.end; d != 0 {
		return d < 0
	}
	return a.seq < b.seq
}

func (c *class) push(fl *flow) {
	c.flows = append(c.flows, fl)
	for i := len(c.flows) - 1; i > 0; {
		p := (i - 1) / 2
		if !c.flows[i].before(c.flows[p]) {
			break
		}
		c.flows[i], c.flows[p] = c.flows[p], c.flows[i]
		i = p
	}
}

func (c *class) pop() *flow {
	top := c.flows[0]
	last := len(c.flows) - 1
	c.flows[0], c.flows[last] = c.flows[last], nil
	c.flows = c.flows[:last]
	for i := 0; ; {
		l := 2*i + 1
		if l >= last {
			break
		}
		if r := l + 1; r < last && c.flows[r].before(c.flows[l]) {
			l = r
		}
		if !c.flows[l].before(c.flows[i]) {
			break
		}
		c.flows[i], c.flows[l] = c.flows[l], c.flows[i]
		i = l
	}
	return top
}
