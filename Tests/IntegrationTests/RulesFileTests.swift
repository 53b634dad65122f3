import BalanceDomain
import Contracts
import CreditLimitDomain
import EventPattern
import EventSourcing
import Foundation
import JSON
import OrdersDomain
import RouteDomain
import Testing
import WireProtocol

/// Compares Services/rules.json with the events that the participants take.
@Suite struct `Rules file` {
    private struct Rule {
        var name: String
        var description: String
        var pattern: EventPattern
        var targets: [String]
    }

    private static let participants: [(name: String, event: any EventFamily.Type)] = [
        (RouteParticipant.name, OrderEvent.self),
        (BalanceParticipant.name, BalanceParticipant.Event.self),
        (CreditLimitParticipant.name, CreditLimitParticipant.Event.self),
        (OrdersParticipant.name, OrdersParticipant.Event.self),
    ]
    private static let families: [any PublishedPayloadFamily.Type] = [
        OrderEvent.self, RouteEvent.self, AccountEvent.self, CreditLimitEvent.self,
    ]

    private let queues: [QueueDefinition]
    private let rules: [Rule]

    init() throws {
        struct Queues: Decodable { var queues: [QueueDefinition] }
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Services/rules.json")
        let data = try Data(contentsOf: file)
        queues = try JSON.decode(Queues.self, from: data).queues
        let wiring = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
        rules = try #require(wiring["rules"] as? [[String: Any]]).map { rule in
            let pattern = try JSONSerialization.data(withJSONObject: #require(rule["pattern"]))
            return Rule(
                name: try #require(rule["name"] as? String),
                description: try #require(rule["description"] as? String),
                pattern: try EventPattern(String(decoding: pattern, as: UTF8.self)),
                targets: try #require(rule["targets"] as? [String]))
        }
    }

    @Test func `Each participant has a queue that starts at the beginning of the log`() {
        #expect(queues.map(\.name).sorted() == Self.participants.map(\.name).sorted())
        #expect(queues.allSatisfy { $0.fault == nil && $0.start == .beginning })
        let targets = Set(rules.flatMap(\.targets))
        #expect(targets == Set(queues.map(\.name)))
    }

    @Test func `Rules send each participant every event type and version it takes, once`() throws {
        for (name, taken) in Self.participants {
            var sent: [String] = []
            for family in Self.families {
                let category = try #require(family.categories.first)
                for type in family.types + family.upcasters.types {
                    let event = try recorded(type, in: category)
                    let matching = rules.filter {
                        $0.targets.contains(name) && $0.pattern.matches(event)
                    }
                    sent += matching.map { _ in type }
                }
            }
            let types = Set(taken.query.items.flatMap(\.types))
            #expect(sent.sorted() == types.sorted(), "\(name)")
        }
    }

    @Test func `Each rule has a short description, and one target that begins its name`() {
        for rule in rules {
            #expect(rule.description.hasSuffix(".") && rule.description.count <= 80, "\(rule)")
            #expect(rule.targets.count == 1 && rule.name.hasPrefix(rule.targets[0]), "\(rule)")
        }
    }

    private func recorded(_ type: String, in category: String) throws -> RecordedEvent {
        var bytes: [UInt8] = []
        try NewEvent(stream: try StreamName(category: category, id: "1"), type: type, data: [])
            .encode(into: &bytes)
        return try RecordedEvent(bytes[...])
    }
}
