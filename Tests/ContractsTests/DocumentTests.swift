import CloudEvents
import Contracts
import EventSourcing
import Foundation
import JSON
import ServiceRuntime
import Testing
import WireProtocol

/// The documents docs/events.md, docs/asyncapi.yaml and docs/schemas. `scripts/contracts` writes
/// them.
@Suite struct `Contract documents` {
    /// A log that the services wrote before RouteCreated had a second version.
    static let earlierLog = "Tests/ContractsTests/Samples/route-created-1.jsonl"

    private static func schema(of type: String) throws -> SchemaCheck {
        let text = try Repository.text("docs/schemas/\(type).json")
        let json = try JSONSerialization.jsonObject(with: Data(text.utf8))
        return SchemaCheck(try #require(json as? [String: Any]))
    }

    private static func json(_ data: some Collection<UInt8>) throws -> JSONValue {
        try JSON.decode(JSONValue.self, from: data)
    }

    @Test func `Documents match the contracts`() throws {
        let write = ProcessInfo.processInfo.environment["DAYBOOK_WRITE_DOCUMENTS"] != nil
        for (path, text) in try Documents.all() {
            if write {
                try text.write(
                    to: Repository.root.appending(path: path), atomically: true, encoding: .utf8)
            }
            let there = try? Repository.text(path)
            #expect(there == text, "\(path) differs from the contracts; run scripts/contracts")
        }
    }

    @Test func `Every current and former event type has a schema`() throws {
        let types =
            Contract.families.flatMap { $0.types + $0.upcasters.types }
            + AmendmentEventType.allCases.map(\.rawValue)
        #expect(try Repository.files(in: "docs/schemas") == types.map { "\($0).json" }.sorted())
    }

    @Test(arguments: Sample.all)
    func `Current events follow their schemas`(_ sample: Sample) throws {
        let schema = try Self.schema(of: sample.type)
        #expect(schema.faults(in: try Self.json(sample.text.utf8)) == [])
    }

    @Test func `Events of an earlier version follow their schemas`() throws {
        let lines = try Repository.text(Self.earlierLog).split(separator: "\n")
        var counts: [String: Int] = [:]
        for line in lines {
            let event = try CloudEvents.event(Array(line.utf8)[...])
            let faults = try Self.schema(of: event.type).faults(in: Self.json(event.data))
            #expect(faults == [], "\(event.type): \(line)")
            counts[event.type, default: 0] += 1
        }
        #expect(lines.count > 200 && counts.count > 20 && counts["RouteCreated"] == 29)
    }

    @Test(arguments: [nil, "null", "1.5", #"{"account":"a","list":[1,"x"]}"#])
    func `Events about amendments follow their schemas`(_ data: String?) throws {
        var record: [UInt8] = []
        try NewEvent(stream: StreamName("account-a"), type: "T", data: []).encode(into: &record)
        record[RecordLayout.position] = 1
        let event = try RecordedEvent(record[...])
        let amendment = data.map { Amendment.data(Array($0.utf8)) } ?? .skip
        let amended = EventAmended(event, amendment, reason: "r", by: "ann")
        let undone = AmendmentUndone(event, reason: "r", by: "ann")
        for (type, data) in [
            (AmendmentEventType.eventAmended, try amended.encoded()),
            (.amendmentUndone, try JSON.encode(undone)),
        ] {
            let schema = try Self.schema(of: type.rawValue)
            #expect(schema.faults(in: try Self.json(data)) == [])
            #expect(schema.faults(in: try Self.json(Array("{}".utf8))).count >= 4)
        }
    }

    @Test(arguments: [
        (#"{"order":"o1"}"#, ": lacks customer"),
        (#"{"customer":"c1","order":1}"#, ".order: no text"),
        (#"{"customer":"c1","order":"o1","detail":""}"#, "has detail, which the schema"),
        ("[]", "no object"),
    ])
    func `Schema rejects missing, unknown and mistyped fields`(
        _ text: String, _ fault: String
    ) throws {
        let faults = try Self.schema(of: "OrderConfirmed").faults(in: Self.json(text.utf8))
        #expect(faults.contains { $0.contains(fault) }, "\(faults)")
    }

    @Test(
        arguments: [
            (#"{"amount":1,"currency":"USD"}"#, nil),
            (#"{"amount":1.5,"currency":"USD"}"#, "whole"),
            (#"{"amount":1,"currency":"usd"}"#, "usd"),
            (#"{"amount":9007199254740992,"currency":"USD"}"#, "range"),
        ] as [(String, String?)])
    func `Schema of money requires a whole amount in range and a currency code`(
        _ money: String, _ fault: String?
    ) throws {
        let text = #"{"customer":"c1","limit":\#(money)}"#
        let faults = try Self.schema(of: "CreditLimitSet").faults(in: Self.json(text.utf8))
        #expect(faults.isEmpty == (fault == nil) && faults.allSatisfy { $0.contains(fault ?? "") })
    }
}

@Suite struct `Contract families` {
    private static let payloads = Contract.families.flatMap { $0.payloads }

    @Test func `Type names carry their versions, and former versions have upcasters`() {
        for family in Contract.families {
            #expect(family.categories.count == 1)
            for payload in family.payloads {
                #expect(ObjectIdentifier(payload.family) == ObjectIdentifier(family))
                let name = payload.type.prefix { $0 != "." }
                let versions = (1...payload.version).map { $0 == 1 ? "\(name)" : "\(name).\($0)" }
                #expect(versions.last == payload.type)
                let former = Set(versions.dropLast())
                #expect(former.isSubset(of: family.upcasters.sources(of: [payload.type])))
            }
        }
    }

    @Test func `Upcasters lead from former to current types`() {
        for family in Contract.families {
            for type in family.upcasters.types {
                #expect(!family.types.contains(type), "\(type) is still written")
                for target in family.upcasters[type]?.targets ?? [] {
                    #expect(family.types.contains(target) || family.upcasters[target] != nil)
                }
            }
        }
    }

    @Test func `Every type has a known reversal or a reason for having none`() {
        for payload in Self.payloads {
            switch payload.reversal {
            case .by(let types), .withItsOrder(let types):
                #expect(!types.isEmpty)
                for type in types {
                    #expect(Self.payloads.contains { $0 == type }, "\(payload): \(type)")
                    #expect(type.category == payload.category, "\(payload): \(type)")
                }
            case .none(let reason): #expect(reason.count > 10, "\(payload)")
            }
        }
    }

    @Test func `Contracts read a log that an earlier version wrote`() throws {
        var distances: [Int] = []
        for line in try Repository.text(`Contract documents`.earlierLog).split(separator: "\n") {
            let event = try CloudEvents.event(Array(line.utf8)[...])
            var bytes: [UInt8] = []
            try event.encode(into: &bytes)
            let record = try RecordedEvent(bytes[...])
            let family = try #require(
                Contract.families.first { $0.categories == [record.category] })
            let content = EventContent(type: record.type, data: record.data)
            let today = try family.upcasters.upcast(content)
            #expect(today.count == 1)
            let read = try #require(try family.init(type: today[0].type, data: today[0].data))
            #expect(read.tags == record.tags)
            // An event of any other type is the same, byte for byte.
            #expect(record.type == "RouteCreated" || today == [content])
            if case .created(let route) = read as? RouteEvent {
                distances += route.legs.map(\.meters)
            }
        }
        #expect(distances.count > 29 && distances.allSatisfy { $0 > 1000 && $0 % 100 == 0 })
    }
}
