// A small reference program on HashiCorp's own HCL library: the oracle for parser, values and edits.
//
//	reference tree            for each file name on standard input: one JSON line with its attributes and blocks
//	reference value           for each JSON string on standard input (an expression): its constant value as JSON
//	reference bench FILE N    milliseconds of parse, and of parse + set + output, with hclwrite (medians of N)
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strconv"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

type span struct {
	Path                                         string
	Start, End, ExprStart, ExprEnd, Line, Column int
	Kind                                         string
}

type report struct {
	Ok    bool
	Error string `json:",omitempty"`
	Line  int    `json:",omitempty"`
	Items []span `json:",omitempty"`
}

func kind(expr hclsyntax.Expression) string {
	switch expr.(type) {
	case *hclsyntax.ObjectConsExpr:
		return "object"
	case *hclsyntax.TupleConsExpr:
		return "tuple"
	}
	return "other"
}

func walkExpr(path string, expr hclsyntax.Expression, out *[]span) {
	switch e := expr.(type) {
	case *hclsyntax.TupleConsExpr:
		for i, item := range e.Exprs {
			r := item.Range()
			p := fmt.Sprintf("%s[%d]", path, i)
			*out = append(*out, span{p, r.Start.Byte, r.End.Byte, r.Start.Byte, r.End.Byte, r.Start.Line, r.Start.Column, kind(item)})
			walkExpr(p, item, out)
		}
	case *hclsyntax.ObjectConsExpr:
		for i, item := range e.Items {
			k, r := item.KeyExpr.Range(), item.ValueExpr.Range()
			p := fmt.Sprintf("%s{%d}", path, i)
			*out = append(*out, span{p, k.Start.Byte, r.End.Byte, r.Start.Byte, r.End.Byte, k.Start.Line, k.Start.Column, kind(item.ValueExpr)})
			walkExpr(p, item.ValueExpr, out)
		}
	}
}

func walkBody(path string, body *hclsyntax.Body, out *[]span) {
	for name, a := range body.Attributes {
		r, e := a.SrcRange, a.Expr.Range()
		*out = append(*out, span{path + name, r.Start.Byte, r.End.Byte, e.Start.Byte, e.End.Byte, r.Start.Line, r.Start.Column, kind(a.Expr)})
		walkExpr(path+name, a.Expr, out)
	}
	for i, b := range body.Blocks {
		r := b.Range()
		p := fmt.Sprintf("%s%s#%d", path, b.Type, i)
		for _, label := range b.Labels {
			p += "|" + label
		}
		*out = append(*out, span{p, r.Start.Byte, b.CloseBraceRange.End.Byte, b.OpenBraceRange.Start.Byte, b.CloseBraceRange.End.Byte, r.Start.Line, r.Start.Column, "block"})
		walkBody(p+"/", b.Body, out)
	}
}

func tree(name string) report {
	source, err := os.ReadFile(name)
	if err != nil {
		return report{Error: err.Error()}
	}
	file, diags := hclsyntax.ParseConfig(source, name, hcl.InitialPos)
	if diags.HasErrors() {
		line := 0
		if diags[0].Subject != nil {
			line = diags[0].Subject.Start.Line
		}
		return report{Error: diags[0].Summary + ": " + diags[0].Detail, Line: line}
	}
	items := []span{}
	walkBody("", file.Body.(*hclsyntax.Body), &items)
	sort.Slice(items, func(i, j int) bool {
		if items[i].Start != items[j].Start {
			return items[i].Start < items[j].Start
		}
		return items[i].Path < items[j].Path
	})
	return report{Ok: true, Items: items}
}

func value(text string) string {
	expr, diags := hclsyntax.ParseExpression([]byte(text), "value", hcl.InitialPos)
	if diags.HasErrors() {
		return `{"Error": ` + strconv.Quote(diags[0].Detail) + `}`
	}
	v, diags := expr.Value(nil)
	if diags.HasErrors() {
		return `{"Error": ` + strconv.Quote(diags[0].Detail) + `}`
	}
	out, err := ctyjson.Marshal(v, v.Type())
	if err != nil {
		return `{"Error": ` + strconv.Quote(err.Error()) + `}`
	}
	return `{"Value": ` + string(out) + `}`
}

func median(samples []float64) float64 {
	sort.Float64s(samples)
	return samples[len(samples)/2]
}

func bench(name string, rounds int) {
	source, err := os.ReadFile(name)
	if err != nil {
		panic(err)
	}
	var parse, edit []float64
	for i := 0; i < rounds; i++ {
		start := time.Now()
		hclwrite.ParseConfig(source, name, hcl.InitialPos)
		parse = append(parse, time.Since(start).Seconds()*1000)
		start = time.Now()
		file, _ := hclwrite.ParseConfig(source, name, hcl.InitialPos)
		for _, block := range file.Body().Blocks() {
			if block.Type() == "locals" {
				block.Body().SetAttributeValue("cpu", cty.NumberIntVal(512))
				break
			}
		}
		_ = file.Bytes()
		edit = append(edit, time.Since(start).Seconds()*1000)
	}
	json.NewEncoder(os.Stdout).Encode(map[string]float64{"parse_ms": median(parse), "edit_ms": median(edit)})
}

func main() {
	if os.Args[1] == "bench" {
		rounds, _ := strconv.Atoi(os.Args[3])
		bench(os.Args[2], rounds)
		return
	}
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	encoder := json.NewEncoder(os.Stdout)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		line = line[:len(line)-1]
		if os.Args[1] == "tree" {
			encoder.Encode(tree(line))
			continue
		}
		var text string
		if err := json.Unmarshal([]byte(line), &text); err != nil {
			panic(err)
		}
		fmt.Println(value(text))
	}
}
