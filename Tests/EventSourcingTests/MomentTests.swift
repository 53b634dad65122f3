import EventSourcing
import Foundation
import JSON
import Testing

@Suite struct `Moments of the log` {
    @Test func `Moment is a position or a time, as text and in JSON`() throws {
        #expect(Moment("17") == .position(17))
        #expect(Moment("0") == .position(0))
        let time = try #require(Timestamp("2026-01-31T12:00:00Z"))
        #expect(Moment("2026-01-31T12:00:00Z") == .time(time))
        #expect(Moment("-1") == nil && Moment("yesterday") == nil && Moment("") == nil)
        for moment in [Moment.position(17), .time(time)] {
            #expect(Moment(moment.description) == moment)
            let data = try JSON.data([moment])
            #expect(try JSON.decode([Moment].self, from: data) == [moment])
        }
    }
}
