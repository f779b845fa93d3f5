// Package atomicfile replaces files so that every reader, and every crash, sees the old content or
// the new one.
//
// [Prepare] writes the new content beside the file, [File.Commit] gives it the name, and
// [File.Close] removes what was not committed. Between them a caller can check the content by
// [File.Temp]. What a killed process has left is removed by the next Prepare for the same file;
// what belongs to a process that runs stays.
//
// The mode, the owner and, on Linux, the access list and the security label of the old file are
// kept, or the error says why they cannot be. A symbolic link stays one, and the file that it leads
// to is replaced. Other hard links to the old file keep the old content.
package atomicfile
