package supervisor

import "time"

// pacer says when a change is applied.
type pacer struct {
	quiet, interval time.Duration
	splay           func() time.Duration // how much later at random

	first, last time.Time     // of the changes that wait; zero: none does
	later       time.Duration // the splay of the changes that wait
	before      time.Time     // when one was applied before; zero: none was
}

// changed takes note of a change.
func (p *pacer) changed(now time.Time) {
	if p.last = now; p.first.IsZero() {
		p.first, p.later = now, p.splay()
	}
}

// none forgets the changes that wait.
func (p *pacer) none() { p.first, p.last = time.Time{}, time.Time{} }

// applied takes note of when changes were applied.
func (p *pacer) applied(now time.Time) { p.before = now }

// due returns when the changes that wait are to be applied, and whether there are any: when it was
// quiet, but with changes that never pause one interval after the first of them.
func (p *pacer) due() (at time.Time, waits bool) {
	if p.first.IsZero() {
		return at, false
	}
	at = p.first.Add(p.quiet)
	if earliest := p.before.Add(p.interval); !p.before.IsZero() && at.Before(earliest) {
		at = earliest
	}
	at = at.Add(p.later)
	latest := at
	if most := p.first.Add(p.interval); latest.Before(most) {
		latest = most
	}
	if calm := p.last.Add(p.quiet); at.Before(calm) {
		at = calm
	}
	if at.After(latest) {
		at = latest
	}
	return at, true
}
