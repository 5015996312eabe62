// goverify checks an audit directory with other people's code: golang.org/x/mod/sumdb/note opens the
// checkpoint, and golang.org/x/mod/sumdb/tlog does all hashing. Nothing of Cofre is used.
//
//	goverify DIR VKEYFILE [WITNESSVKEYFILE...]
//
// It reads every entry bundle, recomputes every tile that the checkpoint needs, compares it with
// the file, compares the root, and proves the inclusion of a sample of entries from the tiles alone.
//
// Debian: golang-go, golang-golang-x-mod-dev; GOPATH=/usr/share/gocode GO111MODULE=off go build
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type checkpoint struct {
	origin string
	size   int64
	root   tlog.Hash
}

// cosigner verifies c2sp.org/tlog-cosignature lines (Ed25519, version 1), which x/mod does not know by itself.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func newCosigner(vkey string) (*cosigner, error) {
	part := strings.SplitN(strings.TrimSpace(vkey), "+", 3)
	if len(part) != 3 {
		return nil, errors.New("malformed witness key")
	}
	hash, err := strconv.ParseUint(part[1], 16, 32)
	if err != nil {
		return nil, err
	}
	raw, err := base64.StdEncoding.DecodeString(part[2])
	if err != nil || len(raw) != 1+ed25519.PublicKeySize || raw[0] != 4 {
		return nil, errors.New("malformed witness key")
	}
	sum := sha256.Sum256([]byte(part[0] + "\n" + string(raw)))
	if binary.BigEndian.Uint32(sum[:]) != uint32(hash) {
		return nil, errors.New("the witness key's id is not that of its name and key")
	}
	return &cosigner{part[0], uint32(hash), raw[1:]}, nil
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }

func (c *cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	head := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(sig))
	return ed25519.Verify(c.key, append([]byte(head), msg...), sig[8:])
}

// checkCosignatures demands a line of each witness under the checkpoint.
func checkCosignatures(dir string, vkeyFiles []string) error {
	text, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return err
	}
	for _, file := range vkeyFiles {
		vkey, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		c, err := newCosigner(string(vkey))
		if err != nil {
			return err
		}
		if _, err := note.Open(text, note.VerifierList(c)); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

func openCheckpoint(dir, vkey string) (*checkpoint, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return nil, err
	}
	n, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return nil, err
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return nil, errors.New("checkpoint: malformed, or of another origin")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || strconv.FormatInt(size, 10) != lines[1] {
		return nil, errors.New("checkpoint: malformed size")
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(raw) != tlog.HashSize {
		return nil, errors.New("checkpoint: malformed root")
	}
	c := &checkpoint{origin: lines[0], size: size}
	copy(c.root[:], raw)
	return c, nil
}

// path is the file of a tile by c2sp.org/tlog-tiles, which leaves out the height that x/mod has.
func path(t tlog.Tile) string {
	level := strconv.Itoa(t.L)
	if t.L == -1 {
		level = "entries"
	}
	n := fmt.Sprintf("%03d", t.N%1000)
	for rest := t.N / 1000; rest > 0; rest /= 1000 {
		n = fmt.Sprintf("x%03d/%s", rest%1000, n)
	}
	if t.W < 1<<height {
		n += ".p/" + strconv.Itoa(t.W)
	}
	return "tile/" + level + "/" + n
}

// readTile falls back to the full tile, which replaces a partial one once it is there.
func readTile(dir string, t tlog.Tile) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(dir, path(t)))
	if errors.Is(err, os.ErrNotExist) && t.W < 1<<height {
		full := t
		full.W = 1 << height
		data, err = os.ReadFile(filepath.Join(dir, path(full)))
	}
	if err != nil {
		return nil, err
	}
	if t.L >= 0 {
		if len(data) < t.W*tlog.HashSize {
			return nil, fmt.Errorf("%s: too short", path(t))
		}
		data = data[:t.W*tlog.HashSize]
	}
	return data, nil
}

type tiles struct{ dir string }

func (r tiles) Height() int { return height }

func (r tiles) ReadTiles(list []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, t := range list {
		data, err := readTile(r.dir, t)
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}

func (r tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// stored is the tree that we compute ourselves, in x/mod's storage order.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, i := range indexes {
		if i >= int64(len(s)) {
			return nil, errors.New("a hash beyond the tree")
		}
		out = append(out, s[i])
	}
	return out, nil
}

// rebuild hashes every entry of every bundle; keep gets each.
func rebuild(dir string, size int64, keep func(int64, []byte)) (stored, error) {
	var s stored
	for first := int64(0); first < size; first += 1 << height {
		t := tlog.Tile{H: height, L: -1, N: first >> height, W: 1 << height}
		if size-first < 1<<height {
			t.W = int(size - first)
		}
		data, err := readTile(dir, t)
		if err != nil {
			return nil, err
		}
		for i := int64(0); i < int64(t.W); i++ {
			if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
				return nil, fmt.Errorf("%s: cut short", path(t))
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			hashes, err := tlog.StoredHashes(first+i, data[2:end], s)
			if err != nil {
				return nil, err
			}
			s = append(s, hashes...)
			keep(first+i, data[2:end])
			data = data[end:]
		}
	}
	return s, nil
}

// needed lists the hash tiles of a checkpoint. tlog.NewTiles lists every width on the way too.
func needed(size int64) []tlog.Tile {
	var list []tlog.Tile
	for level := 0; size>>(height*level) > 0; level++ {
		hashes := size >> (height * level)
		for n := int64(0); n < hashes>>height; n++ {
			list = append(list, tlog.Tile{H: height, L: level, N: n, W: 1 << height})
		}
		if w := hashes % (1 << height); w > 0 {
			list = append(list, tlog.Tile{H: height, L: level, N: hashes >> height, W: int(w)})
		}
	}
	return list
}

func compareTiles(dir string, size int64, s stored) (int, error) {
	list := needed(size)
	for _, t := range list {
		want, err := tlog.ReadTileData(t, s)
		if err != nil {
			return 0, err
		}
		have, err := readTile(dir, t)
		if err != nil {
			return 0, err
		}
		if !bytes.Equal(have, want) {
			return 0, fmt.Errorf("%s: not what the entries make it", path(t))
		}
	}
	return len(list), nil
}

func proveSample(dir string, c *checkpoint, sample map[int64][]byte) error {
	tree := tlog.Tree{N: c.size, Hash: c.root}
	reader := tlog.TileHashReader(tree, tiles{dir})
	for i, entry := range sample {
		proof, err := tlog.ProveRecord(c.size, i, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, c.size, c.root, i, tlog.RecordHash(entry)); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
	}
	return nil
}

func run(dir, vkeyFile string) error {
	keys, err := os.ReadFile(vkeyFile)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(keys)), "\n")
	c, err := openCheckpoint(dir, lines[len(lines)-1])
	if err != nil {
		return err
	}
	sample := map[int64][]byte{}
	step := c.size/50 + 1
	s, err := rebuild(dir, c.size, func(i int64, entry []byte) {
		if i%step == 0 || i == c.size-1 {
			sample[i] = append([]byte(nil), entry...)
		}
	})
	if err != nil {
		return err
	}
	root, err := tlog.TreeHash(c.size, s)
	if err != nil {
		return err
	}
	if c.size > 0 && root != c.root {
		return errors.New("the checkpoint's root is not that of the entries")
	}
	n, err := compareTiles(dir, c.size, s)
	if err != nil {
		return err
	}
	if err := proveSample(dir, c, sample); err != nil {
		return err
	}
	fmt.Printf("ok: %s, %d entries, %d tiles, %d proofs\n", c.origin, c.size, n, len(sample))
	return nil
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: goverify DIR VKEYFILE [WITNESSVKEYFILE...]")
		os.Exit(64)
	}
	err := run(os.Args[1], os.Args[2])
	if err == nil {
		err = checkCosignatures(os.Args[1], os.Args[3:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "goverify:", err)
		os.Exit(1)
	}
}
