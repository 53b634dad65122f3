import Contracts
import EventSourcing
import Foundation
import JSON
import RouteDomain

@testable import EventPattern
@testable import ObjectStorage
@testable import Observability
@testable import OrdersMain

extension Fuzzer {
    /// A pattern and, after a zero byte, the data of an event. Both ways of matching must agree,
    /// and the query of a pattern must find what the pattern matches.
    static let pattern = Fuzzer(name: "pattern") { input in
        let (text, data) = input.split(at: 0)
        guard let pattern = accepted({ try EventPattern(text.text) }) else { return }
        let event = try event(data: data)
        let matches = pattern.matches(event)
        var matcher = PatternMatcher<Int>()
        matcher.add(1, pattern)
        matcher.add(2, pattern)
        matcher.remove(1)
        try check(
            matcher.matches(event) == (matches ? [2] : []), "the pattern and the matcher disagree")
        try check(!matches || pattern.query.matches(event), "the pattern's query misses a match")
    }

    /// JSON for the scanners of patterns and of CloudEvents.
    static let json = Fuzzer(name: "json") { input in
        var scanner = JSONScanner(
            0..<input.count, maximumDepth: PatternLimits.eventDepth)
        let value: Void? = accepted {
            switch scanner.peek(input.span) {
            case 0: throw scanner.error("nothing")
            case UInt8(ascii: "{"), UInt8(ascii: "["): try scanner.skip(input.span)
            default:
                if case .number(let range) = try scanner.scalar(input.span) {
                    _ = JSONNumber.double(input.span.extracting(range))
                }
            }
            try scanner.finish(input.span)
        }
        try check(
            !isLineOfCloudEvents(input) || value != nil,
            "patterns reject what CloudEvents accept")
    }

    /// An order book.
    static let orderBook = Fuzzer(name: "orderBook") { input in
        let currency = try Currency("USD")
        _ = PurchaseFile(
            input.text, limit: .max, currency, now: Timestamp(microseconds: 1_800_000_000_000_000))
    }

    /// A network of hubs.
    static let hubs = Fuzzer(name: "hubs") { input in
        _ = accepted { try Network(csv: input.text) }
        _ = accepted { try Tariff(csv: input.text) }
    }

    /// The data of the suite's events. The first byte chooses the type.
    static let payload = Fuzzer(name: "payload") { input in
        let (kind, json) = input.headAndRest
        let families: [any PublishedPayloadFamily.Type] = [
            OrderEvent.self, RouteEvent.self, AccountEvent.self, CreditLimitEvent.self,
        ]
        let types = families.flatMap { family in family.types.map { (family, $0) } }
        let (family, type) = types[Int(kind) % types.count]
        guard let event = accepted({ try family.init(type: type, data: json[...]) }) ?? nil,
            let text = accepted({ try event.encoded() })
        else { return }
        let again = accepted { try family.init(type: type, data: text[...]) } ?? nil
        let copy = again.flatMap { event in accepted { try event.encoded() } }
        try check(copy == text, "\(event) changes when it is encoded and decoded")
    }

    /// The head of an HTTP request.
    static let http = Fuzzer(name: "http") { input in
        guard let end = HTTPRequest.headEnd(in: input) else { return }
        _ = accepted { try HTTPRequest(Array(input[..<end])) }
    }

    /// An answer of an S3-compatible store.
    static let s3 = Fuzzer(name: "s3") { input in
        _ = S3Page(input)
        _ = S3Document(input)["Message"]
        _ = input.text.percentDecoded()
    }

    /// Values that people write. A parsed value must be printed and parsed to the same value.
    static let text = Fuzzer(name: "text") { input in
        let text = input.text
        try survives(Timestamp(text)) { Timestamp($0) }
        try survives(EventID(text)) { EventID($0) }
        try survives(Money(text)) { Money($0) }
        try survives(TraceParent(text)) { TraceParent($0) }
        try survives(accepted { try StreamName(text) }) { text in
            accepted { try StreamName(text) }
        }
        try survives(accepted { try StoragePlace(text) }) { text in
            accepted { try StoragePlace(text) }
        }
        _ = Moment(text)
    }

    private static func event(data: [UInt8]) throws -> RecordedEvent {
        let event = NewEvent(
            id: EventID(high: 1, low: 2), stream: try StreamName("order-1"), type: "OrderPlaced",
            tags: ["customer:1"], metadata: Array(#"{"actor":"a"}"#.utf8), data: data)
        var bytes: [UInt8] = []
        try event.encode(into: &bytes)
        return try RecordedEvent(bytes[...])
    }

    private static func survives<Value: Equatable & CustomStringConvertible>(
        _ value: Value?, _ read: (String) -> Value?
    ) throws(PropertyFailure) {
        guard let value else { return }
        try check(read("\(value)") == value, "'\(value)' changes when it is printed and parsed")
    }
}
