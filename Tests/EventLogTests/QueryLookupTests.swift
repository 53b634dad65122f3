import EventSourcing
import Testing

@testable import EventLog

@Suite struct `Price of a query` {
    private static let queries: [EventQuery] = [
        .categories(["c0", "c1"]), .types(["T"]), .tags(["digit:3"]),
        EventQuery((0..<10).map { .init(tags: ["digit:\($0)"]) }),
        EventQuery([.init(categories: ["c1"], tags: ["digit:5"]), .init(types: ["none"])]),
        EventQuery([.init(categories: (0..<40).map { "c\($0 % 3)" }, types: ["T", "T", "U"])]),
        EventQuery([.init(tags: (0..<65).map { "digit:\($0)" })]),
    ]

    @Test(arguments: queries) func `Prepared query matches the same events`(query: EventQuery)
        throws
    {
        let all = try filled(FaultyStorage()).all()
        let lookup = QueryLookup(query)
        #expect(
            all.filter(lookup.matches).map(\.position) == all.filter(query.matches).map(\.position))
    }

    @Test(arguments: queries, [false, true])
    func `Read in small parts returns the same events`(query: EventQuery, isBackwards: Bool)
        throws
    {
        let log = try filled(FaultyStorage())
        let expected = try log.all(query, isBackwards: isBackwards).map(\.position)
        var read = LogRead(query, isBackwards: isBackwards, from: isBackwards ? .max : 1, to: nil)
        // The price of a few events: many chunks are needed, and some are empty.
        read.stepsPerChunk = 300
        var found: [UInt64] = []
        var chunks = 0
        while !read.isDone, isBackwards || read.position <= log.head {
            let chunk = try log.read(&read)
            found += try RecordSequence(chunk.bytes[...]).map(\.position)
            chunks += 1
        }
        #expect(found == expected && chunks >= expected.count / 4)
    }

    @Test func `Look-up in an index ends when it has cost too much`() throws {
        let log = try filled(FaultyStorage())
        let lookup = QueryLookup(.types(["T"]))
        for segment in log.sealed.segments {
            var work = LookupWork(left: segment.termSteps)
            #expect(try segment.candidates(lookup, &work) == nil && work.left < 0)
            work = .unlimited
            #expect(try segment.candidates(lookup, &work)?.count == segment.count)
        }
    }

    @Test func `Condition that is too costly to check is invalid, and a later position helps`()
        throws
    {
        var log = try EventLog(
            in: FaultyStorage(), segmentBytes: 4 << 20, newID: EventID(high: 1, low: 2),
            newSalt: salt, now: clock)
        // The index finds many events of the type and many with the tag, but none with both.
        for number in 1...4000 {
            let isEven = number.isMultiple(of: 2)
            try log.stage([
                event(number, type: isEven ? "A" : "B", tags: [isEven ? "even" : "odd"])
            ])
        }
        try log.commit()
        let item = EventQuery.Item(types: ["A"], tags: ["odd"])
        let query = EventQuery([EventQuery.Item](repeating: item, count: 200))
        func append(_ number: Int, after position: UInt64) throws {
            try log.stage(
                [event(number)], AppendCondition(noneMatching: .init(query, after: position)))
        }
        let error = #expect(throws: AppendError.self) { try append(9001, after: 0) }
        #expect(error?.description.contains("takes too long to check") == true)
        try append(9002, after: 3990)
        try log.commit()
        #expect(log.head == 4001)
    }

    @Test func `List of streams comes in parts and is complete`() throws {
        let log = try filled(FaultyStorage())
        for category in [nil, "c0", "none"] {
            var listing = log.listing(of: category, limit: 100)
            var entries: [StreamEntry] = []
            while !listing.isDone { entries += try log.streams(&listing) }
            #expect(try entries == log.streams(of: category, limit: 100))
            #expect(entries.count == (category == nil ? 8 : category == "c0" ? 4 : 0))
        }
    }
}
