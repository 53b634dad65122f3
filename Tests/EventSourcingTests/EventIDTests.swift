import EventSourcing
import Testing

@Suite struct `Event ids` {
    @Test(arguments: [
        "123e4567-e89b-12d3-a456-426614174000", "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ])
    func `Event id parses its own text`(text: String) {
        #expect(EventID(text)?.description == text)
    }

    @Test(arguments: [
        "", "123e4567", "123e4567-e89b-12d3-a456-42661417400",
        "g23e4567-e89b-12d3-a456-426614174000",
        "123e4567e89b-12d3-a456-4266141740000", "123e4567-e89b-12d3-a456-4266141740000",
    ])
    func `Event id that is not a UUID is rejected`(text: String) {
        #expect(EventID(text) == nil)
    }

    @Test func `Random event id is a UUID of version 4`() {
        for _ in 0..<100 {
            let text = Array(EventID.random().description)
            #expect(text[14] == "4")
            #expect("89ab".contains(text[19]))
        }
    }
}
