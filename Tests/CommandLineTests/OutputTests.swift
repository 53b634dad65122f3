import CommandLine
import Testing

@Suite struct `Output of commands` {
    @Test func `Column of a table is as wide as its widest cell`() {
        let lines = Output.lines(["id", "amount"], [["order-1", "é"], ["o", "11.77 USD"]])
        #expect(lines == ["id       amount", "order-1  é", "o        11.77 USD"])
    }

    @Test func `Table without rows has its headers`() {
        #expect(Output.lines(["a", "bb"], []) == ["a  bb"])
        #expect(Output.lines([], []) == [""])
    }
}
