public import EventSourcing

/// The syntax of the names of rules, queues, archives, replays and consumers.
enum BusName {
    /// Returns why `name` is not a name of a `thing`, or nil if it is one.
    static func fault(_ name: String, of thing: String) -> String? {
        guard (1...64).contains(name.utf8.count), name.utf8.allSatisfy(bytes.contains) else {
            let article = thing.hasPrefix("a") ? "an" : "a"
            return "the name of \(article) \(thing) is 1 to 64 letters, digits and . - _, not "
                + "'\(name)'"
        }
        return nil
    }

    private static let bytes = Set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_".utf8)

    /// Returns why `name` is not the name of a consumer, or nil if it is one.
    static func fault(consumer name: String) -> String? {
        (1...Limits.nameBytes).fault(
            name.utf8.count, "a consumer's name has 1 to \(Limits.nameBytes) bytes")
    }
}

extension DaybookError {
    /// Creates the error for the name of a rule, queue, archive or replay that does not exist. It
    /// suggests the name that was probably meant.
    ///
    /// - Parameters:
    ///   - kind: what the name stands for, such as `queue`.
    ///   - names: the existing names.
    ///   - advice: what to do if no name is similar, or nil to list the existing ones.
    public static func unknown(
        _ kind: String, _ name: String, among names: some Sequence<String>, advice: String? = nil
    ) -> DaybookError {
        let hint =
            name.mostSimilar(among: names).map { "did you mean '\($0)'?" } ?? advice
            ?? "list them with: event-store \(kind)s list"
        return DaybookError(.notFound, "there is no \(kind) '\(name)'; \(hint)")
    }
}

extension ClosedRange {
    /// Returns why `value` is invalid if it is out of the range. Otherwise, or if it is nil,
    /// returns nil.
    ///
    /// - Parameter rule: says what the range is, such as `a rate is 1 to 10 events a second`.
    func fault(_ value: Bound?, _ rule: @autoclosure () -> String) -> String? {
        guard let value, !contains(value) else { return nil }
        return "\(rule()), not \(value)"
    }
}
