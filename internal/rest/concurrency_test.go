package rest_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"configapi/internal/configstore"
	"configapi/internal/eventstore"
)

// TestManyClients has clients change and read a few configs at once. Each must read its own writes,
// and see positions that never go back, whatever the answers are.
func TestManyClients(t *testing.T) {
	const clients, requests = 8, 100
	s := MustStart(t, configstore.Options{})
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	statuses := make([]map[int]int, clients) // :: client → status → how often
	var working sync.WaitGroup
	for i := range clients {
		statuses[i] = map[int]int{}
		working.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			own := fmt.Sprintf("/config/client-%d", i)
			last := eventstore.Position{}
			for n := range requests {
				request, body := randomRequest(random)
				if n%10 == 0 {
					request, body = "PUT "+own, fmt.Sprintf(`{"value":"%d"}`, n)
				}
				condition := ""
				if strings.HasPrefix(request, "PUT /config/shared") && random.IntN(2) == 0 {
					condition = fmt.Sprintf(`If-Match: "%d"`, 1+random.IntN(9))
				}
				got := s.MustDo(t, request, body, condition)
				statuses[i][got.status]++
				position, err := eventstore.ParsePosition(got.header.Get("Config-Position"))
				if err != nil || position.Seq < last.Seq || position.Seq == last.Seq && position != last {
					t.Errorf("%s: position %s after %s, %v", request, position, last, err)
				}
				last = position
				if n%10 == 0 {
					if read := s.MustDo(t, "GET "+own, ""); read.body != fmt.Sprint(n) || read.header.Get("ETag") != got.header.Get("ETag") {
						t.Errorf("wrote %d as %s, read %s as %s", n, got.header.Get("ETag"), read.body, read.header.Get("ETag"))
					}
				}
			}
		})
	}
	working.Wait()
	for _, status := range []int{200, 404, 409, 410, 412} {
		seen := 0
		for i := range clients {
			seen += statuses[i][status]
		}
		if seen == 0 {
			t.Errorf("no answer was %d: the test says little; seed %d", status, seed)
		}
	}
	for i := range clients {
		if n := statuses[i][http.StatusInternalServerError]; n > 0 {
			t.Errorf("%d answers of 500", n)
		}
	}
}

func randomRequest(random *rand.Rand) (request, body string) {
	name := fmt.Sprintf("/config/shared-%d", random.IntN(3))
	switch random.IntN(8) {
	case 0, 1:
		return "PUT " + name, `{"value":"` + strings.Repeat("v", random.IntN(5)) + `"}`
	case 2:
		return "DELETE " + name, ""
	case 3:
		return "POST " + name + "/restore", ""
	case 4:
		return "GET " + name + "/history", ""
	case 5:
		return "GET /config", ""
	case 6:
		return "PUT " + name, `{"value":1}`
	default:
		return "GET " + name, ""
	}
}
