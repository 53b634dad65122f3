import EventSourcing
import JSON
import Testing

@testable import ServiceRuntime

@Suite struct `Differences between two states` {
    private struct Count: FieldView, Equatable {
        var number: Int
        var fields: [(name: String, value: String?)] { [("number", "\(number)")] }
    }

    private func event() throws -> PastEvent {
        let id = EventID(high: 1, low: 2)
        let text = """
            {"position":7,"time":"2026-01-31T12:00:00Z","stream":"a-1","type":"T","id":"\(id)"}
            """
        return try JSON.decode(PastEvent.self, from: text.utf8)
    }

    @Test func `Difference lists what each event changed, and travels as JSON`() throws {
        var difference = Difference<Count>(id: "a", from: 1, to: 9, before: nil)
        for number in [3, 3, 5] {
            try difference.add(try event(), after: Count(number: number))
        }
        let read = try JSON.decode(
            Difference<Count>.self, from: try JSON.text(difference).utf8)
        #expect(read.before == nil && read.after == Count(number: 5))
        #expect(
            read.events.map { $0.changes.map(\.description) }
                == [["number - → 3"], [], ["number 3 → 5"]])
    }

    @Test func `Difference lists at most 10,000 events`() throws {
        var difference = Difference<Count>(id: "a", from: 1, to: 20_000, before: nil)
        let event = try event()
        for number in 1...10_000 { try difference.add(event, after: Count(number: number)) }
        let error = #expect(throws: DaybookError.self) {
            try difference.add(event, after: nil)
        }
        #expect(error?.kind == .rejected)
        #expect(error?.description.contains("narrow the range with --from and --to") ?? false)
        #expect(difference.events.count == 10_000 && difference.after?.number == 10_000)
    }
}
