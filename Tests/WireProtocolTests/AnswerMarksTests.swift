import JSON
import Testing
import WireProtocol

@Suite struct `Marks of answers` {
    @Test func `Answer without unreadable or amended events has no marks`() {
        #expect(AnswerMarks(degraded: 0, amended: 0) == nil)
    }

    @Test func `JSON of marks has only those that apply`() throws {
        let degraded = try #require(AnswerMarks(degraded: 2, amended: 0))
        #expect(try JSON.text(degraded) == #"{"degraded":2}"#)
        let amended = try #require(AnswerMarks(degraded: 0, amended: 1))
        #expect(try JSON.text(amended) == #"{"amended":1}"#)
        #expect(try JSON.decode(AnswerMarks.self, from: JSON.encode(amended)) == amended)
    }

    @Test func `Marks are one line each for people`() throws {
        let marks = try #require(AnswerMarks(degraded: 2, amended: 1))
        #expect(
            marks.lines(of: "orders") == [
                "degraded: the answer may lack events that can't be read and name no entity: 2; "
                    + "'orders status' names them",
                "amended events behind this answer: 1",
            ])
    }
}
