package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// attack is one way to use up what a server has.
type attack struct {
	name  string
	about string // what is sent
	store string // "memory", or "": a new SQLite file
	// fill writes what the attack reads. It is not measured. nil: nothing is needed.
	fill func(*target) error
	// strike attacks, and returns what the server answered, in a few words. It must end by itself.
	strike func(context.Context, *target) (answers string, err error)
	most   figures
}

// figures are what an attack costs the server, or the most that it may cost.
type figures struct {
	memory int64         // the peak of its resident memory above what it had before, in MiB
	cpu    time.Duration // processor time, all threads together
	wall   time.Duration // from the beginning of the attack to its end
	write  time.Duration // p99 of another client's writes meanwhile; 0 as a ceiling: not judged
	log    int64         // what the server has logged, in KiB
}

// outcome is what became of one attack.
type outcome struct {
	figures
	answers string
	died    bool // the server ended, or had to be killed for its memory
}

// attacks are all of them, by what they use up.
var attacks = concat(answerAttacks, documentAttacks, pastAttacks, streamAttacks, bodyAttacks, readAttacks)

func concat(groups ...[]attack) (all []attack) {
	for _, group := range groups {
		all = append(all, group...)
	}
	return all
}

// strikeTime bounds each attack: one that takes longer has shown what it can do.
const strikeTime = 60 * time.Second

// make starts a server, fills it, attacks it, and stops it.
func (a *attack) make(ctx context.Context, binary, dir string) (outcome, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return outcome{}, err
	}
	s, err := startServer(ctx, binary, dir, a.store)
	if err != nil {
		return outcome{}, err
	}
	defer s.Kill()
	t := newTarget(s)
	if err := t.put(witnessed, "0"); err != nil {
		return outcome{}, fmt.Errorf("filling the store: %w", err)
	}
	if a.fill != nil {
		if err := a.fill(t); err != nil {
			return outcome{}, fmt.Errorf("filling the store: %w", err)
		}
	}
	return a.measure(ctx, s, t)
}

// measure attacks while another client writes, and reads the server's own figures before and after.
func (a *attack) measure(ctx context.Context, s *server, t *target) (outcome, error) {
	before, err := s.usage()
	if err != nil {
		return outcome{}, err
	}
	if err := s.ForgetPeak(); err != nil {
		return outcome{}, err
	}
	striking, cancel := context.WithTimeout(ctx, strikeTime)
	defer cancel()
	w := startWitness(s)
	began := time.Now()
	answers, err := a.strike(striking, t)
	took := time.Since(began)
	writes := w.stop()
	if err != nil && !s.Ended() {
		return outcome{}, fmt.Errorf("attacking: %w", err)
	}
	after, err := s.usage()
	if err != nil { // it has ended: what was seen last counts
		return outcome{figures: figures{memory: s.highest() - before.memory, wall: took}, answers: answers, died: true}, nil
	}
	return outcome{
		figures: figures{
			memory: max(after.peak-before.memory, 0), cpu: after.cpu - before.cpu, wall: took,
			write: writes.percentile(99), log: after.log - before.log,
		},
		answers: answers,
	}, nil
}

// exceeded names the figures that are above the ceilings.
func (a *attack) exceeded(o outcome) (names []string) {
	if o.died {
		names = append(names, "the server died")
	}
	if o.memory > a.most.memory {
		names = append(names, fmt.Sprintf("memory above %d MiB", a.most.memory))
	}
	if o.cpu > a.most.cpu {
		names = append(names, fmt.Sprintf("CPU above %v", a.most.cpu))
	}
	if o.wall > a.most.wall {
		names = append(names, fmt.Sprintf("time above %v", a.most.wall))
	}
	if a.most.write > 0 && o.write > a.most.write {
		names = append(names, fmt.Sprintf("writes of others above %v", a.most.write))
	}
	if a.most.log > 0 && o.log > a.most.log {
		names = append(names, fmt.Sprintf("log above %d KiB", a.most.log))
	}
	return names
}

const reportHead = "| attack | what is sent | memory, MiB | CPU, s | time, s | others' writes p99, ms | log, KiB | answers | |\n" +
	"|---|---|---|---|---|---|---|---|---|"

// report is a row of the table.
func (a *attack) report(o outcome) string {
	verdict := "held"
	if names := a.exceeded(o); len(names) > 0 {
		verdict = "**" + strings.Join(names, ", ") + "**"
	}
	return fmt.Sprintf("| %s | %s | %d | %.1f | %.1f | %.0f | %d | %s | %s |", a.name, a.about,
		o.memory, o.cpu.Seconds(), o.wall.Seconds(), float64(o.write.Microseconds())/1000, o.log, o.answers, verdict)
}

// row is the attack in the list of attacks.
func (a *attack) row() string {
	return fmt.Sprintf("| %s | %s | <= %d | <= %.0f | <= %.0f | | | | |", a.name, a.about, a.most.memory, a.most.cpu.Seconds(), a.most.wall.Seconds())
}
