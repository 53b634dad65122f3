/// The limits of patterns and of matching. A pattern beyond its limits is rejected.
public enum PatternLimits {
    /// The longest text of a pattern, in bytes.
    public static let textBytes = 65_536
    /// The deepest nesting of objects and arrays in a pattern.
    public static let depth = 32
    /// The largest number of alternatives that all `$or` of a pattern open together.
    public static let alternatives = 1_000
    /// The largest number of fields in all alternatives together.
    public static let fields = 10_000
    /// The largest number of `*` in one wildcard.
    public static let stars = 32
    /// The deepest nesting in an event's data or metadata. Deeper JSON counts as malformed.
    public static let eventDepth = 256
    /// How many combinations of array elements are tried for one alternative.
    ///
    /// If none of them fits, the alternative does not match.
    public static let arraySteps = 100_000
}
