import EventPattern
import Testing

@Suite struct `Numbers in patterns` {
    @Test(arguments: [
        ("0.1", "1e-1", true), ("0.1", "0.10000000000000000001", false), ("0", "-0.0", true),
        ("0", "0e999", true), ("1e22", "10000000000000000000000", true),
        ("1e23", "100000000000000000000000", true), ("1e23", "1e23", true),
        ("1e300", "10e299", true), ("6.02214076e23", "602214076000000000000000", true),
        ("9007199254740993", "9007199254740992", false),
        ("9007199254740993", "9007199254740993", true),
        ("9007199254740991", "9007199254740991.0", true),
        ("1152921504606847000", "1152921504606847e3", true),
        ("1152921504606847000", "1152921504606846976", false),
        ("1152921504606846976", "1152921504606846976", true),
        ("1152921504606846976", "1152921504606846976.0", false),
        ("1152921504606846976", "1152921504606846977", false),
        (
            "123456789012345678901234567890123456789012345",
            "123456789012345678901234567890123456789012345", true
        ),
        ("1e999", "1e999", true), ("1e999", "1e998", false), ("5e-324", "5e-324", true),
        ("5e-324", "4e-324", false), ("0.30000000000000004", "3.0000000000000004e-1", true),
        ("1200", "12E+2", true), ("-2.50", "-25e-1", true),
        ("1.7976931348623157e308", "17976931348623157e292", true),
    ])
    func `Numbers match only if their values are equal`(a: String, b: String, isSame: Bool) throws {
        let pattern = try EventPattern(#"{"detail": {"x": [\#(a)]}}"#)
        let event = try Sample.x(b).event()
        #expect(pattern.matches(event) == isSame)
        var matcher = PatternMatcher<Int>()
        matcher.add(1, pattern)
        #expect(matcher.matches(event) == (isSame ? [1] : []))
    }

    @Test(arguments: [
        (">", "1", "6.02214076e23", true), (">", "1", "1e300", true), ("<", "1e300", "1e299", true),
        (">", "1e300", "1.1e300", true), ("<=", "-1e300", "-1e301", true),
        (">", "1", "9007199254740993", false), (">", "1", "9007199254740992", true),
        (">", "1", "1e309", false), (">", "0", "5e-324", true), ("<", "1", "1e-400", false),
    ])
    func `Numeric range matches only numbers that a double can print`(
        comparison: String, bound: String, number: String, isMatch: Bool
    ) throws {
        let pattern = try EventPattern(
            #"{"detail": {"x": [{"numeric": ["\#(comparison)", \#(bound)]}]}}"#)
        #expect(try Sample.x(number).isMatched(by: pattern) == isMatch)
    }
}
