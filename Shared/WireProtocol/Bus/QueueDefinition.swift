public import EventSourcing

/// A durable queue: how its events are grouped, how long a delivery may take, and what becomes of
/// those that fail.
///
/// In JSON every field but the name may be missing, and is then as it says here.
public struct QueueDefinition: Codable, Hashable, Sendable {
    /// 1 to 64 letters, digits and `. - _`.
    public var name: String
    /// Which events are delivered one after the other.
    public var grouping: Grouping
    /// For so many seconds a delivered event is its consumer's alone; 30.
    public var visibilityTimeout: Double
    public var retry: RetryPolicy
    /// What happens to the events behind a dead one of their group.
    public var afterDeath: AfterDeath
    /// Whether events that can't be delivered are kept in the dead-letter queue; else they are
    /// dropped, and counted.
    public var hasDeadLetters: Bool
    /// Where in the log the first rule begins that targets the queue.
    public var start: QueueStart

    public init(
        name: String, grouping: Grouping = .correlation, visibilityTimeout: Double = 30,
        retry: RetryPolicy = RetryPolicy(), afterDeath: AfterDeath = .wait,
        hasDeadLetters: Bool = true, start: QueueStart = .end
    ) {
        self.name = name
        self.grouping = grouping
        self.visibilityTimeout = visibilityTimeout
        self.retry = retry
        self.afterDeath = afterDeath
        self.hasDeadLetters = hasDeadLetters
        self.start = start
    }

    /// What is wrong with it, in one line; nil if nothing is.
    public var fault: String? {
        if let fault = BusName.fault(name, of: "queue") { return fault }
        return Self.fault(visibilityTimeout: visibilityTimeout) ?? retry.fault
    }

    /// Returns why the visibility timeout, in seconds, is invalid, or nil.
    static func fault(visibilityTimeout seconds: Double) -> String? {
        guard !(0.001...43_200).contains(seconds) else { return nil }
        return "a visibility timeout is 0.001 to 43200 seconds, not \(seconds)"
    }

    private enum Key: String, CodingKey {
        case name, grouping, visibilityTimeout, retry, afterDeath, hasDeadLetters, start
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        self.init(name: try fields.decode(String.self, forKey: .name))
        grouping = try fields.decodeIfPresent(Grouping.self, forKey: .grouping) ?? grouping
        visibilityTimeout =
            try fields.decodeIfPresent(Double.self, forKey: .visibilityTimeout)
            ?? visibilityTimeout
        retry = try fields.decodeIfPresent(RetryPolicy.self, forKey: .retry) ?? retry
        afterDeath = try fields.decodeIfPresent(AfterDeath.self, forKey: .afterDeath) ?? afterDeath
        hasDeadLetters =
            try fields.decodeIfPresent(Bool.self, forKey: .hasDeadLetters) ?? hasDeadLetters
        start = try fields.decodeIfPresent(QueueStart.self, forKey: .start) ?? start
    }
}

/// Which events of a queue are delivered one after the other, in the order of the log.
///
/// As text: `correlation`, `stream`, `unordered`, or `path:a.b,c`: the value at the first of these
/// paths that the event's data has; an event with none of them is in a group by itself.
public enum Grouping: Hashable, Sendable, CustomStringConvertible {
    case correlation
    case stream
    case paths([String])
    case unordered

    public init?(_ text: String) {
        switch text {
        case "correlation": self = .correlation
        case "stream": self = .stream
        case "unordered": self = .unordered
        default:
            guard text.hasPrefix("path:") else { return nil }
            let paths = text.dropFirst(5).split(separator: ",", omittingEmptySubsequences: false)
            guard paths.allSatisfy({ !$0.isEmpty && !$0.contains("..") }) else { return nil }
            self = .paths(paths.map(String.init))
        }
    }

    public var description: String {
        switch self {
        case .correlation: "correlation"
        case .stream: "stream"
        case .unordered: "unordered"
        case .paths(let paths): "path:" + paths.joined(separator: ",")
        }
    }
}

/// How often and how long an event is tried. The first limit that is reached ends it.
public struct RetryPolicy: Codable, Hashable, Sendable {
    /// An event that was received so often and not acknowledged is dead; 10.
    public var maximumReceives: Int
    /// An event that has been in the queue for so many seconds is dead; 86,400, a day.
    public var maximumAge: Double
    /// So many seconds pass before the second delivery, and twice as many before each further one,
    /// less a random part of up to one half; 1.
    public var backoff: Double
    /// Never do more seconds pass; 300.
    public var maximumBackoff: Double

    public init(
        maximumReceives: Int = 10, maximumAge: Double = 86_400, backoff: Double = 1,
        maximumBackoff: Double = 300
    ) {
        self.maximumReceives = maximumReceives
        self.maximumAge = maximumAge
        self.backoff = backoff
        self.maximumBackoff = maximumBackoff
    }

    static let receives = 1...1000
    /// The valid delays before an event is redelivered, in seconds.
    static let delays = 0.0...86_400.0

    var fault: String? {
        guard Self.receives.contains(maximumReceives) else {
            return "maximumReceives is 1 to 1000, not \(maximumReceives)"
        }
        guard (0.001...31_536_000).contains(maximumAge) else {
            return "maximumAge is 0.001 to 31536000 seconds, not \(maximumAge)"
        }
        guard Self.delays.contains(backoff), Self.delays.contains(maximumBackoff),
            backoff <= maximumBackoff
        else {
            return "backoff is 0 to 86400 seconds and not above maximumBackoff, not \(backoff) "
                + "with a maximum of \(maximumBackoff)"
        }
        return nil
    }

    private enum Key: String, CodingKey {
        case maximumReceives, maximumAge, backoff, maximumBackoff
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        self.init()
        maximumReceives =
            try fields.decodeIfPresent(Int.self, forKey: .maximumReceives) ?? maximumReceives
        maximumAge = try fields.decodeIfPresent(Double.self, forKey: .maximumAge) ?? maximumAge
        backoff = try fields.decodeIfPresent(Double.self, forKey: .backoff) ?? backoff
        maximumBackoff =
            try fields.decodeIfPresent(Double.self, forKey: .maximumBackoff) ?? maximumBackoff
    }
}

/// What happens to the events of a group when one before them is dead.
public enum AfterDeath: String, Codable, Hashable, Sendable, CaseIterable {
    /// They wait until it has been redriven or discarded.
    case wait
    /// They are delivered.
    case goOn = "go-on"
}

/// Where a queue begins. As text: `end`, `beginning`, `position:17`, `time:2026-01-31T12:00:00Z`.
public enum QueueStart: Hashable, Sendable, CustomStringConvertible {
    /// Behind the last event when the first rule targets it.
    case end
    case beginning
    /// At this position.
    case position(UInt64)
    /// At the first event committed then or later.
    case time(Timestamp)

    public init?(_ text: String) {
        if text == "end" {
            self = .end
        } else if text == "beginning" {
            self = .beginning
        } else if text.hasPrefix("position:"), let position = UInt64(text.dropFirst(9)) {
            self = .position(position)
        } else if text.hasPrefix("time:"), let time = Timestamp(String(text.dropFirst(5))) {
            self = .time(time)
        } else {
            return nil
        }
    }

    public var description: String {
        switch self {
        case .end: "end"
        case .beginning: "beginning"
        case .position(let position): "position:\(position)"
        case .time(let time): "time:\(time)"
        }
    }
}

extension Grouping: Codable {
    public init(from decoder: any Decoder) throws {
        self = try decoder.text(Grouping.init, "correlation, stream, unordered or path:a.b,c")
    }
    public func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }
}

extension QueueStart: Codable {
    public init(from decoder: any Decoder) throws {
        self = try decoder.text(
            QueueStart.init, "end, beginning, position:N or time: with an RFC 3339 time")
    }

    /// - Throws: `EncodingError` for a time out of range: no reader would accept it.
    public func encode(to encoder: any Encoder) throws {
        if case .time(let time) = self, !time.isInRange { try time.encode(to: encoder) }
        try description.encode(to: encoder)
    }
}

extension Decoder {
    /// The value that a text stands for.
    fileprivate func text<Value>(_ read: (String) -> Value?, _ forms: String) throws -> Value {
        let text = try singleValueContainer().decode(String.self)
        guard let value = read(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: codingPath, debugDescription: "'\(text)' is not \(forms)"))
        }
        return value
    }
}
