import Contracts
import EventSourcing
import Testing

struct `Money and currencies` {
    private static let readable: [(String, String, Int64)] = [
        ("11.77", "USD", 1177), ("0.00", "EUR", 0), ("12", "USD", 1200), ("-0.05", "USD", -5),
        ("1177", "JPY", 1177), ("1.177", "KWD", 1177), ("90071992547409.91", "USD", Money.largest),
    ]

    @Test(arguments: readable)
    func `Money is parsed from an amount in major units`(
        _ text: String, _ code: String, _ amount: Int64
    ) throws {
        #expect(try Money(text, in: Currency(code)).amount == amount)
    }

    @Test(arguments: [
        ("", "USD"), ("-", "USD"), ("11.7", "USD"), ("11.777", "USD"), ("11.", "USD"),
        (".77", "USD"), ("1,177", "USD"), ("+1", "USD"), (" 1", "USD"), ("1e2", "USD"),
        ("--1", "USD"), ("1.1.1", "USD"), ("11.0", "JPY"), ("11.", "JPY"), ("1.17", "KWD"),
        ("١", "USD"), ("90071992547409.92", "USD"), ("99999999999999999999", "USD"),
    ])
    func `Text that is not exactly an amount is rejected`(_ text: String, _ code: String) throws {
        let currency = try Currency(code)
        #expect(throws: DaybookError.self) { try Money(text, in: currency) }
    }

    private static let written: [(Int64, String, String)] = [
        (1177, "USD", "11.77 USD"), (5, "USD", "0.05 USD"), (-5, "EUR", "-0.05 EUR"),
        (0, "JPY", "0 JPY"), (1177, "JPY", "1177 JPY"), (7, "KWD", "0.007 KWD"),
    ]

    @Test(arguments: written)
    func `Money is parsed from the text that it prints`(
        _ amount: Int64, _ code: String, _ text: String
    ) throws {
        let money = Money(amount, try Currency(code))
        #expect(money.description == text)
        #expect(Money(text) == money)
    }

    @Test(arguments: ["11.77", "11.77USD", "11.77  USD", "11.77 usd", "USD 11.77", "11.77 XYZ"])
    func `Money is parsed from no other form`(_ text: String) { #expect(Money(text) == nil) }

    @Test func `Money is added and multiplied only within its range and currency`() {
        #expect(Money(3, .usd).adding(Money(4, .usd)) == Money(7, .usd))
        #expect(Money(3, .usd).adding(Money(4, .eur)) == nil)
        #expect(Money(Money.largest, .usd).adding(Money(1, .usd)) == nil)
        #expect(Money(.max, .usd).adding(Money(1, .usd)) == nil)
        #expect(Money(1177, .usd).times(3) == Money(3531, .usd))
        #expect(Money(Money.largest, .usd).times(2) == nil)
        #expect(Money(Money.largest, .usd).times(.max) == nil)
    }

    @Test func `Currency has a known, upper-case code`() throws {
        #expect(try Currency("USD") == .usd)
        #expect(try Currency("BHD").exponent == 3)
        for code in ["usd", "US", "XYZ", "XXX", ""] {
            #expect(throws: DaybookError.self) { try Currency(code) }
        }
    }
}
