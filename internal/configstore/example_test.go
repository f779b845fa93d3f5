package configstore_test

import (
	"context"
	"fmt"
	"log"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore/memory"
)

func Example() {
	ctx, stop := context.WithCancel(context.Background())
	store := configstore.New(memory.New(), configstore.Options{})
	ended := make(chan error)
	go func() { ended <- store.Run(ctx) }()
	<-store.Ready()

	name, err := config.ParseName("shop/timeout")
	if err != nil {
		log.Fatal(err)
	}
	value, err := config.ParseValue("5s", store.MaxValueBytes())
	if err != nil {
		log.Fatal(err)
	}
	outcome, err := store.Do(ctx, auth.Anonymous, config.Single(config.Set{Name: name, Value: value}))
	if err != nil {
		log.Fatal(err)
	}
	reader, err := store.Reader(auth.Anonymous) // it includes the change
	if err != nil {
		log.Fatal(err)
	}
	found := reader.Config(name)
	fmt.Println(found.Name, "is", found.Value, "since version", outcome.Config.Version)

	stop()
	if err := <-ended; err != nil {
		log.Fatal(err)
	}
	// Output: shop/timeout is 5s since version 1
}
