// Package cluster runs the system under test: three server processes over one PostgreSQL. Links
// that can be made to fail are between each server and PostgreSQL, and between clients and each
// server.
//
// Processes and files end with [Cluster.Close]. On Linux the processes also end with the process
// that started them.
package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"

	"configapi/internal/processtest"
	"configapi/test/faults/proxy"
)

// Nodes is the number of servers.
const Nodes = 3

// Cluster is the system under test.
type Cluster struct {
	Database *Database
	Nodes    [Nodes]*Node

	dir     string
	program string
}

// Open builds the server of a tree and starts everything.
func Open(ctx context.Context, tree string) (*Cluster, error) {
	dir, err := os.MkdirTemp("", "cfg-faults-*")
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, program: filepath.Join(dir, "configapi")}
	if err := c.open(ctx, tree); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cluster) open(ctx context.Context, tree string) error {
	if err := os.Chmod(c.dir, 0o711); err != nil { // PostgreSQL may run as another user
		return err
	}
	if err := processtest.Build(ctx, tree, c.program); err != nil {
		return err
	}
	var err error
	if c.Database, err = openDatabase(ctx, c.dir); err != nil {
		return err
	}
	for i := range c.Nodes {
		if c.Nodes[i], err = c.newNode(i); err != nil {
			return err
		}
	}
	for _, n := range c.Nodes {
		if err := n.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) newNode(number int) (*Node, error) {
	server, err := url.Parse(c.Database.server().TCPDSN(databaseName))
	if err != nil {
		return nil, err
	}
	back, err := proxy.Open(fmt.Sprintf("node %d to PostgreSQL", number), c.Database.routes.Address())
	if err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	front, err := proxy.Open(fmt.Sprintf("clients to node %d", number), address)
	if err != nil {
		return nil, err
	}
	server.User, server.Host = url.UserPassword(role(number), role(number)), back.Address()
	return &Node{
		Number: number, Front: front, Back: back,
		program: c.program, address: address, dsn: server.String(),
		logPath: filepath.Join(c.dir, fmt.Sprintf("node%d.log", number)),
	}, nil
}

// UnknownAppends counts the appends of unknown outcome in the logs of the nodes.
func (c *Cluster) UnknownAppends() (int64, error) {
	return c.LogLines("the outcome of an append is unknown")
}

// LogLines counts the occurrences of a text in the logs of the nodes.
func (c *Cluster) LogLines(text string) (count int64, err error) {
	for _, n := range c.Nodes {
		log, err := os.ReadFile(n.logPath)
		if err != nil {
			return 0, err
		}
		count += int64(bytes.Count(log, []byte(text)))
	}
	return count, nil
}

// Verify runs the verification of the program itself over the whole history.
func (c *Cluster) Verify(ctx context.Context) error {
	dsn := c.Database.server().TCPDSN(databaseName)
	out, err := exec.CommandContext(ctx, c.program, "verify", "--store", dsn).CombinedOutput()
	if err != nil {
		return fmt.Errorf("configapi verify: %w: %s", err, out)
	}
	return nil
}

// Close ends all processes and removes all files.
func (c *Cluster) Close() error {
	for _, n := range c.Nodes {
		if n != nil {
			n.Close()
		}
	}
	var err error
	if c.Database != nil {
		err = c.Database.close()
	}
	return errors.Join(err, os.RemoveAll(c.dir))
}
