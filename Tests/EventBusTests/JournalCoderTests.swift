import EventSourcing
import Testing

@testable import EventBus

@Suite struct `Bytes of the journal` {
    private var writer = JournalCoder()
    private var reader: JournalCoder { JournalCoder(writer.bytes) }

    @Test mutating func `Number takes as few bytes as it needs`() throws {
        let numbers: [(UInt64, bytes: Int)] = [
            (0, 1), (127, 1), (128, 2), (16_383, 2), (16_384, 3), (1 << 63, 10), (.max, 10),
        ]
        var total = 0
        for (number, bytes) in numbers {
            #expect(try writer.number(number) == number)
            total += bytes
            #expect(writer.bytes.count == total, "\(number)")
        }
        var reader = reader
        for (number, _) in numbers { #expect(try reader.number(nil) == number) }
        try reader.checkEnd()
    }

    @Test mutating func `Number near its base takes one byte`() throws {
        _ = try writer.number(1_000_000, from: 1_000_063)
        _ = try writer.signed(-1_000_000, from: -1_000_063)
        #expect(writer.bytes.count == 2)
        var reader = reader
        #expect(try reader.number(nil, from: 1_000_063) == 1_000_000)
        #expect(try reader.signed(nil, from: -1_000_063) == -1_000_000)
    }

    @Test mutating func `Numbers at their limits are read as they were written`() throws {
        let signed: [Int64] = [.min, -65, -1, 0, 1, 64, .max]
        for value in signed {
            _ = try writer.signed(value)
            _ = try writer.signed(value, from: .max)
            _ = try writer.number(UInt64(bitPattern: value), from: .max)
            _ = try writer.word(UInt64(bitPattern: value))
        }
        _ = try writer.text("ünïcode")
        _ = try writer.text("")
        var reader = reader
        for value in signed {
            #expect(try reader.signed(nil) == value)
            #expect(try reader.signed(nil, from: .max) == value)
            #expect(try reader.number(nil, from: .max) == UInt64(bitPattern: value))
            #expect(try reader.word(nil) == UInt64(bitPattern: value))
        }
        #expect(try reader.text(nil) == "ünïcode")
        #expect(try reader.text(nil) == "")
        try reader.checkEnd()
    }

    @Test mutating func `Bytes of each kind of value are those of existing journals`() throws {
        _ = try writer.byte(7)
        _ = try writer.number(300)
        _ = try writer.signed(-2)
        _ = try writer.word(0x0102_0304_0506_0708)
        _ = try writer.flag(true)
        _ = try writer.text("é")
        #expect(
            writer.bytes == [7, 0xAC, 0x02, 3, 8, 7, 6, 5, 4, 3, 2, 1, 1, 2, 0xC3, 0xA9])
    }

    @Test func `Number of more than 64 bits is rejected`() throws {
        let ones = [UInt8](repeating: 0xFF, count: 9)
        var reader = JournalCoder(ones + [1])
        #expect(try reader.number(nil) == .max)
        for last: [UInt8] in [[2], [0x81, 0]] {
            var reader = JournalCoder(ones + last)
            #expect(throws: DaybookError(.damaged, "a number has more than 64 bits")) {
                try reader.number(nil)
            }
        }
    }

    @Test(arguments: [[], [3], [3, 0x61, 0x62], [0xFF], [2, 0xC3, 0x28]] as [[UInt8]])
    func `Text that is cut off or not UTF-8 is rejected`(bytes: [UInt8]) {
        var reader = JournalCoder(bytes)
        let error = #expect(throws: DaybookError.self) { try reader.text(nil) }
        #expect(error?.kind == .damaged)
    }

    @Test func `Count of more elements than there are bytes is rejected`() throws {
        var reader = JournalCoder([2, 0, 0])
        #expect(try reader.count(nil) == 2)
        reader = JournalCoder([3, 0, 0])
        #expect(throws: DaybookError(.damaged, "it ends too early")) { try reader.count(nil) }
    }

    @Test func `Bytes that are left over are rejected`() throws {
        var reader = JournalCoder([1, 2])
        _ = try reader.byte(nil)
        #expect(throws: DaybookError(.damaged, "1 bytes are left over")) { try reader.checkEnd() }
    }
}
