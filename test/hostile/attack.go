package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// attack is one way to exhaust a resource of the server.
type attack struct {
	name  string
	about string // what is sent
	store string // "memory", or "": a new SQLite file
	// secured reports whether the server needs tokens; that of the target may do everything.
	secured bool
	flags   []string // of the server
	// fill writes what the attack reads. It is not measured. nil: nothing.
	fill func(*target) error
	// strike attacks, and returns a summary of the answers. It must end by itself.
	strike func(context.Context, *target) (answers string, err error)
	most   figures
}

// figures are what an attack costs the server, or the ceilings for that.
type figures struct {
	memory int64         // peak of resident memory above that before, in MiB
	cpu    time.Duration // processor time of all threads
	wall   time.Duration // duration of the attack
	write  time.Duration // p99 of another client's writes meanwhile; as a ceiling, 0: none
	log    int64         // size of the log, in KiB
	each   time.Duration // processor time of one request, if the attack counts them; as a ceiling, 0: none
}

// outcome is the result of one attack.
type outcome struct {
	figures
	alone   time.Duration // p99 of the other client's writes before the attack, if the server is secured
	answers string
	failed  error // of the other client's first write that was not done, if the server is secured
	died    bool  // the server ended, or was killed for its memory
}

// attacks are all attacks, grouped by the resource.
var attacks = concat(answerAttacks, documentAttacks, pastAttacks, streamAttacks, bodyAttacks, readAttacks, guessAttacks)

func concat(groups ...[]attack) (all []attack) {
	for _, group := range groups {
		all = append(all, group...)
	}
	return all
}

// strikeTime bounds each attack. What an attack can do shows within this time.
const strikeTime = 60 * time.Second

// aloneFor is how long the other client is measured without an attack.
const aloneFor = 3 * time.Second

// run starts a server, fills it, attacks it, and stops it.
func (a *attack) run(ctx context.Context, binary, dir string) (outcome, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return outcome{}, err
	}
	s, err := startServer(ctx, binary, dir, a)
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

// measure attacks while another client writes, and compares the server's figures before and after.
func (a *attack) measure(ctx context.Context, s *server, t *target) (outcome, error) {
	var alone time.Duration
	if a.secured {
		w := startWitness(s)
		wait(ctx, aloneFor)
		writes := w.stop()
		alone = writes.percentile(99)
	}
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
	if err != nil { // the server has ended: use the last figures
		return outcome{figures: figures{memory: s.highest() - before.memory, wall: took}, answers: answers, died: true}, nil
	}
	o := outcome{
		figures: figures{
			memory: max(after.peak-before.memory, 0), cpu: after.cpu - before.cpu, wall: took,
			write: writes.percentile(99), log: after.log - before.log,
		},
		alone: alone, answers: answers,
	}
	if a.secured {
		o.failed = w.failed
	}
	if sent := t.sent.Load(); sent > 0 {
		o.each = o.cpu / time.Duration(sent)
	}
	return o, nil
}

// exceeded returns the names of the figures above their ceilings.
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
	if o.failed != nil {
		names = append(names, fmt.Sprintf("a valid token was refused: %v", o.failed))
	}
	if a.most.each > 0 && o.each > a.most.each {
		names = append(names, fmt.Sprintf("CPU of a request above %v", a.most.each))
	}
	if a.most.log > 0 && o.log > a.most.log {
		names = append(names, fmt.Sprintf("log above %d KiB", a.most.log))
	}
	return names
}

const reportHead = "| attack | what is sent | memory, MiB | CPU, s | time, s | others' writes p99, ms | log, KiB | answers | |\n" +
	"|---|---|---|---|---|---|---|---|---|"

// report returns the attack's row in the table of results.
func (a *attack) report(o outcome) string {
	verdict := "held"
	if names := a.exceeded(o); len(names) > 0 {
		verdict = "**" + strings.Join(names, ", ") + "**"
	}
	write, answers := fmt.Sprintf("%.0f", milliseconds(o.write)), o.answers
	if a.secured {
		write = fmt.Sprintf("%.1f (alone %.1f)", milliseconds(o.write), milliseconds(o.alone))
	}
	if o.each > 0 {
		answers += fmt.Sprintf("; %d µs of CPU each", o.each.Microseconds())
	}
	return fmt.Sprintf("| %s | %s | %d | %.1f | %.1f | %s | %d | %s | %s |", a.name, a.about,
		o.memory, o.cpu.Seconds(), o.wall.Seconds(), write, o.log, answers, verdict)
}

// row returns the attack's row in the list of attacks.
func (a *attack) row() string {
	return fmt.Sprintf("| %s | %s | <= %d | <= %.0f | <= %.0f | | | | |", a.name, a.about, a.most.memory, a.most.cpu.Seconds(), a.most.wall.Seconds())
}
