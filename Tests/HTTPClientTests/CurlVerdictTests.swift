import CCurl
import Fabric
import Testing

@testable import HTTPClient

@Suite struct CurlVerdictTests {
    /// A code without an entry would be a failure that nobody has thought about.
    @Test(arguments: 1..<CURL_LAST.rawValue) func everyCodeIsDecided(_ code: UInt32) {
        #expect(CurlVerdict.table[code] != nil)
    }

    @Test func successIsNoFailure() { #expect(CurlVerdict.table[CURLE_OK.rawValue] == nil) }

    @Test func theImportantOnesMeanWhatTheyShould() {
        #expect(CurlVerdict.of(CURLE_COULDNT_CONNECT.rawValue).kind == .unreachable)
        #expect(CurlVerdict.of(CURLE_COULDNT_RESOLVE_HOST.rawValue).kind == .unreachable)
        #expect(CurlVerdict.of(CURLE_PEER_FAILED_VERIFICATION.rawValue).kind == .refused)
        #expect(CurlVerdict.of(CURLE_PEER_FAILED_VERIFICATION.rawValue).action == .waitForPerson)
        #expect(CurlVerdict.of(CURLE_SSL_CACERT_BADFILE.rawValue).kind == .misconfigured)
        #expect(CurlVerdict.of(CURLE_SEND_ERROR.rawValue).action == .retry(after: nil))
        #expect(CurlVerdict.of(CURLE_UNSUPPORTED_PROTOCOL.rawValue).kind == .corrupted)
        #expect(CurlVerdict.of(4711).action == .tryNextRoute)
    }
}
