public import EventSourcing
import JSON

/// A durable queue: how it groups events, how long a delivery may take, and what happens to
/// failures.
///
/// In JSON, all fields but the name may be missing. They then have the defaults below.
public struct QueueDefinition: Codable, Hashable, Sendable {
    /// The queue's name: 1 to 64 letters, digits and `. - _`.
    public var name: String
    /// Which events are delivered one after the other. The default is `correlation`.
    public var grouping: Grouping
    /// How long a delivery stays invisible to other consumers before it is redelivered, in seconds:
    /// 0.001 to 43,200. The default is 30.
    public var visibilityTimeout: Double
    /// How often and how long an event is tried.
    public var retry: RetryPolicy
    /// What happens to the events of a group after a dead one. The default is `wait`.
    public var afterDeath: AfterDeath
    /// Whether dead events go to the dead-letter queue. Otherwise they are dropped and counted. The
    /// default is true.
    public var hasDeadLetters: Bool
    /// Where in the log the queue begins when its first rule is created. The default is `end`.
    public var start: QueueStart

    /// Creates the definition of a queue.
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

    /// Why the definition is invalid, in one line, or nil.
    public var fault: String? {
        BusName.fault(name, of: "queue") ?? Self.fault(visibilityTimeout: visibilityTimeout)
            ?? retry.fault
    }

    /// Returns why the visibility timeout, in seconds, is invalid, or nil.
    static func fault(visibilityTimeout seconds: Double?) -> String? {
        (0.001...43_200).fault(seconds, "a visibility timeout is 0.001 to 43200 seconds")
    }

    /// Reads a definition, with defaults for all missing fields but the name.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(name: try fields.decode(String.self, forKey: .name))
        grouping = try fields.decode(.grouping, or: grouping)
        visibilityTimeout = try fields.decode(.visibilityTimeout, or: visibilityTimeout)
        retry = try fields.decode(.retry, or: retry)
        afterDeath = try fields.decode(.afterDeath, or: afterDeath)
        hasDeadLetters = try fields.decode(.hasDeadLetters, or: hasDeadLetters)
        start = try fields.decode(.start, or: start)
    }
}

/// Which events of a queue are delivered one after the other, in the order of the log.
///
/// As text: `correlation`, `stream`, `unordered`, or `path:a.b,c`.
public enum Grouping: Hashable, Sendable, CustomStringConvertible {
    /// Events of one conversation: those with the same correlation id.
    case correlation
    /// Events of one stream.
    case stream
    /// Events with the same value at the first of these paths that their data has.
    ///
    /// An event without any of the paths is in a group of its own.
    case paths([String])
    /// No events: each one is in a group of its own.
    case unordered

    /// Parses the text of a grouping, or returns nil.
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

    /// The grouping as text.
    public var description: String {
        switch self {
        case .correlation: "correlation"
        case .stream: "stream"
        case .unordered: "unordered"
        case .paths(let paths): "path:" + paths.joined(separator: ",")
        }
    }
}

/// How often and how long an event is tried. The first limit that it reaches makes it dead.
public struct RetryPolicy: Codable, Hashable, Sendable {
    /// The receive count at which an unacknowledged event is dead: 1 to 1000. The default is 10.
    public var maximumReceives: Int
    /// How long an event may be in the queue, in seconds, before it is dead: 0.001 to 31,536,000.
    /// The default is 86,400, a day.
    public var maximumAge: Double
    /// The delay before the second delivery, in seconds: 0 to 86,400. The default is 1.
    ///
    /// It doubles before each further delivery. A random part of up to one half is subtracted.
    public var backoff: Double
    /// The longest delay between two deliveries, in seconds: 0 to 86,400. The default is 300.
    public var maximumBackoff: Double

    /// Creates a retry policy.
    public init(
        maximumReceives: Int = 10, maximumAge: Double = 86_400, backoff: Double = 1,
        maximumBackoff: Double = 300
    ) {
        self.maximumReceives = maximumReceives
        self.maximumAge = maximumAge
        self.backoff = backoff
        self.maximumBackoff = maximumBackoff
    }

    /// The valid limits of the receive count.
    static let receives = 1...1000
    /// The valid delays before an event is redelivered, in seconds.
    static let delays = 0.0...86_400.0

    var fault: String? {
        let fault =
            Self.receives.fault(maximumReceives, "maximumReceives is 1 to 1000")
            ?? (0.001...31_536_000).fault(maximumAge, "maximumAge is 0.001 to 31536000 seconds")
        if let fault { return fault }
        guard Self.delays.contains(backoff), Self.delays.contains(maximumBackoff),
            backoff <= maximumBackoff
        else {
            return "backoff is 0 to 86400 seconds and not above maximumBackoff, not \(backoff) "
                + "with a maximum of \(maximumBackoff)"
        }
        return nil
    }

    /// Reads a policy, with defaults for all missing fields.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        maximumReceives = try fields.decode(.maximumReceives, or: maximumReceives)
        maximumAge = try fields.decode(.maximumAge, or: maximumAge)
        backoff = try fields.decode(.backoff, or: backoff)
        maximumBackoff = try fields.decode(.maximumBackoff, or: maximumBackoff)
    }
}

/// What happens to the events of a group after a dead one.
public enum AfterDeath: String, Codable, Hashable, Sendable, CaseIterable {
    /// They wait until the dead event is redriven or discarded.
    case wait
    /// They are delivered without it.
    case proceed = "go-on"
}

/// Where in the log a queue begins.
///
/// As text: `end`, `beginning`, `position:17` or `time:2026-01-31T12:00:00Z`.
public enum QueueStart: Hashable, Sendable, CustomStringConvertible {
    /// After the last event at the time when its first rule is created.
    case end
    /// At the first event of the log.
    case beginning
    /// At this position.
    case position(UInt64)
    /// At the first event committed at this time or later.
    case time(Timestamp)

    /// Parses the text of a start, or returns nil.
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

    /// The start as text.
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
    /// Reads the grouping from its text.
    public init(from decoder: any Decoder) throws {
        self = try decoder.text(Grouping.init, "correlation, stream, unordered or path:a.b,c")
    }
    /// Writes the grouping as text.
    public func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }
}

extension QueueStart: Codable {
    /// Reads the start from its text.
    public init(from decoder: any Decoder) throws {
        self = try decoder.text(
            QueueStart.init, "end, beginning, position:N or time: with an RFC 3339 time")
    }

    /// Writes the start as text.
    ///
    /// - Throws: `EncodingError` for a time out of range, because no reader would accept it.
    public func encode(to encoder: any Encoder) throws {
        if case .time(let time) = self, !time.isInRange { try time.encode(to: encoder) }
        try description.encode(to: encoder)
    }
}
