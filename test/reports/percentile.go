package reports

// Percentile returns the smallest value that at least p percent of the values do not exceed
// (nearest rank). sorted must be ascending and not empty, p in 1..100.
func Percentile[T any](sorted []T, p int) T {
	rank := (p*len(sorted) + 99) / 100
	return sorted[max(rank, 1)-1]
}
