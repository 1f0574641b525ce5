import Testing

@testable import Fabric

@Suite("Timestamps")
struct TimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (951_868_800, "2000-03-01T00:00:00Z"),
        (946_684_799, "1999-12-31T23:59:59Z"), (1_709_164_800, "2024-02-29T00:00:00Z"),
        (1_735_689_599, "2024-12-31T23:59:59Z"), (1_778_740_908, "2026-05-14T06:41:48Z"),
        (4_107_542_399, "2100-02-28T23:59:59Z"), (4_107_542_400, "2100-03-01T00:00:00Z"),
        (253_402_300_799, "9999-12-31T23:59:59Z"), (-1, "1969-12-31T23:59:59Z"),
        (-2_203_891_200, "1900-03-01T00:00:00Z"), (-62_167_219_200, "0000-01-01T00:00:00Z"),
    ])
    func knownInstants(seconds: Int64, text: String) {
        #expect(Timestamp(seconds: seconds).iso8601 == text)
        #expect(Timestamp(iso8601: text)?.seconds == seconds)
    }

    @Test func everyDayOfFourCenturiesComesBack() {
        for day in stride(from: Int64(-719_528), to: 146_097 - 719_528, by: 1) {
            let instant = Timestamp(seconds: day * 86400 + 43199)
            #expect(Timestamp(iso8601: instant.iso8601) == instant)
        }
    }

    @Test(arguments: [
        "2100-02-29T00:00:00Z", "2023-02-29T00:00:00Z", "2024-02-30T00:00:00Z", "2024-04-31T00:00:00Z",
        "2024-00-01T00:00:00Z", "2024-13-01T00:00:00Z", "2024-01-00T00:00:00Z", "2024-01-32T00:00:00Z",
        "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:60Z", "2024-01-01t00:00:00z",
        "2024-01-01 00:00:00Z", "2024-01-01T00:00:00", "2024-01-01T00:00:00+00:00", "2024-01-01T00:00:00.0Z",
        "+024-01-01T00:00:00Z", "", "2024-01-01T00:00:0\u{661}Z",
    ])
    func otherSpellingsAreRefused(text: String) {
        #expect(Timestamp(iso8601: text) == nil)
    }

    @Test func wireForms() {
        let instant = Timestamp(seconds: 1_778_740_908, nanoseconds: 207_135_999)
        #expect(instant.iso8601Microseconds == "2026-05-14T06:41:48.207135+00:00")
        #expect(instant.surfaceDate == "2026-05-14")
        #expect(instant.surfaceMinute == "2026-05-14t06-41z")
        #expect(instant.surfaceCompact == "20260514t064148z")
        #expect(instant.milliseconds == 1_778_740_908_207)
        #expect(Timestamp(seconds: 1, nanoseconds: 1) > Timestamp(seconds: 1))
    }
}
