import Fabric
import Testing

@testable import HTTPClient

@Suite struct HTTPDateTests {
    @Test func theUsualFormIsRead() {
        #expect(HTTPDate.parse("Sun, 06 Nov 1994 08:49:37 GMT") == Timestamp(iso8601: "1994-11-06T08:49:37Z"))
        #expect(HTTPDate.parse("Thu, 29 Feb 2024 23:59:59 GMT") == Timestamp(iso8601: "2024-02-29T23:59:59Z"))
    }

    @Test(arguments: [
        "", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37  GMT",
        "1994-11-06T08:49:37Z",
    ])
    func othersAreNot(_ text: String) { #expect(HTTPDate.parse(text) == nil) }
}
