internal import CCurl
package import Fabric

/// What each of libcurl's result codes means for whoever made a request: the one table, keyed by code and never by message.
package struct CurlVerdict: Sendable {
    /// What kind of failure it is.
    package let kind: CarrierError.Kind
    /// What should happen next.
    package let action: CarrierError.Remedy
    /// Why it failed, following "cannot deliver to …: " or the like.
    package let reason: String
    /// What a person can do.
    package let remedy: String?

    init(_ kind: CarrierError.Kind, _ action: CarrierError.Remedy, _ reason: String, _ remedy: String? = nil) {
        self.kind = kind
        self.action = action
        self.reason = reason
        self.remedy = remedy
    }

    /// The verdict for a code; one for surprises when the table has none.
    package static func of(_ code: UInt32) -> CurlVerdict { table[code] ?? surprise }

    /// For codes of other protocols, or of a libcurl newer than this table: nothing is known, so another way is tried.
    static let surprise = CurlVerdict(
        .corrupted, .tryNextRoute, "libcurl reported something that does not belong to an HTTP request",
        "report this, with the version of libcurl")

    private static let network = CurlVerdict(.unreachable, .retry(after: nil), "the connection broke")
    private static let ourFault = CurlVerdict(
        .misconfigured, .waitForPerson, "libcurl on this machine cannot do what is needed",
        "check that libcurl 7.88 or later is installed, built with TLS")
    private static let garbage = CurlVerdict(
        .corrupted, .tryNextRoute, "what answered does not speak HTTP", "check the port, and http against https")
    private static let source = CurlVerdict(
        .corrupted, .giveUp, "the envelope could not be read to its end", "seal it again")

    /// Every code up to `CURLE_UNRECOVERABLE_POLL`; a test walks them all.
    static let table: [UInt32: CurlVerdict] = {
        var table: [UInt32: CurlVerdict] = [:]
        func set(_ verdict: CurlVerdict, _ codes: CURLcode...) {
            for code in codes { table[code.rawValue] = verdict }
        }
        addConnecting(set)
        addTLS(set)
        addTransfer(set)
        set(ourFault, CURLE_FAILED_INIT, CURLE_NOT_BUILT_IN, CURLE_FUNCTION_NOT_FOUND, CURLE_BAD_FUNCTION_ARGUMENT)
        set(ourFault, CURLE_UNKNOWN_OPTION, CURLE_SETOPT_OPTION_SYNTAX, CURLE_RECURSIVE_API_CALL)
        set(ourFault, CURLE_INTERFACE_FAILED)
        set(surprise, CURLE_FTP_ACCEPT_FAILED, CURLE_FTP_WEIRD_PASS_REPLY)
        set(surprise, CURLE_FTP_ACCEPT_TIMEOUT, CURLE_FTP_WEIRD_PASV_REPLY, CURLE_FTP_WEIRD_227_FORMAT)
        set(surprise, CURLE_FTP_CANT_GET_HOST, CURLE_FTP_COULDNT_SET_TYPE, CURLE_FTP_COULDNT_RETR_FILE)
        set(surprise, CURLE_FTP_PORT_FAILED, CURLE_FTP_COULDNT_USE_REST, CURLE_FTP_PRET_FAILED, CURLE_FTP_BAD_FILE_LIST)
        set(surprise, CURLE_QUOTE_ERROR, CURLE_LDAP_CANNOT_BIND, CURLE_LDAP_SEARCH_FAILED)
        set(surprise, CURLE_TFTP_NOTFOUND, CURLE_TFTP_PERM, CURLE_TFTP_ILLEGAL, CURLE_TFTP_UNKNOWNID)
        set(surprise, CURLE_TFTP_NOSUCHUSER, CURLE_REMOTE_DISK_FULL, CURLE_REMOTE_FILE_EXISTS, CURLE_SSH)
        set(surprise, CURLE_REMOTE_FILE_NOT_FOUND, CURLE_REMOTE_ACCESS_DENIED, CURLE_RTSP_CSEQ_ERROR)
        set(surprise, CURLE_RTSP_SESSION_ERROR, CURLE_CHUNK_FAILED, CURLE_FILE_COULDNT_READ_FILE, CURLE_UPLOAD_FAILED)
        set(surprise, CURLE_OBSOLETE20, CURLE_OBSOLETE24, CURLE_OBSOLETE29, CURLE_OBSOLETE32, CURLE_OBSOLETE40)
        set(surprise, CURLE_OBSOLETE44, CURLE_OBSOLETE46, CURLE_OBSOLETE50, CURLE_OBSOLETE51, CURLE_OBSOLETE57)
        set(surprise, CURLE_OBSOLETE62, CURLE_OBSOLETE75, CURLE_OBSOLETE76, CURLE_HTTP_POST_ERROR)
        set(surprise, CURLE_HTTP2, CURLE_HTTP2_STREAM, CURLE_HTTP3, CURLE_QUIC_CONNECT_ERROR)
        return table
    }()

    private static func addConnecting(_ set: (CurlVerdict, CURLcode...) -> Void) {
        set(
            CurlVerdict(.misconfigured, .waitForPerson, "the address is not a URL", "write it as http://host:port"),
            CURLE_URL_MALFORMAT)
        set(
            CurlVerdict(
                .unreachable, .retry(after: nil), "the name of the proxy cannot be resolved",
                "check http_proxy and https_proxy"), CURLE_COULDNT_RESOLVE_PROXY)
        set(
            CurlVerdict(.unreachable, .retry(after: nil), "the host name cannot be resolved", "check the host name"),
            CURLE_COULDNT_RESOLVE_HOST)
        set(
            CurlVerdict(
                .unreachable, .retry(after: nil), "no connection came about",
                "check that the receiver runs, and on that port"), CURLE_COULDNT_CONNECT)
        set(CurlVerdict(.unreachable, .retry(after: nil), "the proxy did not connect", "check the proxy"), CURLE_PROXY)
        // The only timer that curl has here is the one for connecting; what comes after is watched by this program.
        set(
            CurlVerdict(
                .unreachable, .retry(after: nil), "no connection came about in time",
                "check the address, and firewalls on the way"), CURLE_OPERATION_TIMEDOUT)
        set(CurlVerdict(.unreachable, .retry(after: nil), "no connection was free"), CURLE_NO_CONNECTION_AVAILABLE)
    }

    private static func addTLS(_ set: (CurlVerdict, CURLcode...) -> Void) {
        set(
            CurlVerdict(
                .unreachable, .retry(after: nil), "the TLS handshake failed",
                "check that the port speaks https, and whether the receiver asks for a certificate"),
            CURLE_SSL_CONNECT_ERROR)
        set(
            CurlVerdict(
                .refused, .waitForPerson, "the receiver's certificate cannot be verified",
                "if a private authority issued it, name that authority's certificate with --cacert"),
            CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS)
        set(
            CurlVerdict(
                .hostKeyChanged, .waitForPerson, "the receiver's key is not the expected one",
                "ask the receiver, by another way, whether the key was changed"), CURLE_SSL_PINNEDPUBKEYNOTMATCH)
        set(
            CurlVerdict(
                .misconfigured, .waitForPerson, "the file of authorities cannot be used",
                "check that the file of --cacert holds certificates in PEM"), CURLE_SSL_CACERT_BADFILE)
        set(
            CurlVerdict(
                .misconfigured, .waitForPerson, "the client certificate or its key cannot be used",
                "check that both are PEM files and belong together"), CURLE_SSL_CERTPROBLEM)
        set(
            CurlVerdict(
                .refused, .waitForPerson, "the receiver asks for a client certificate",
                "name one, with its key"), CURLE_SSL_CLIENTCERT)
        set(ourFault, CURLE_SSL_CRL_BADFILE, CURLE_SSL_CIPHER, CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED)
        set(ourFault, CURLE_SSL_ENGINE_INITFAILED, CURLE_USE_SSL_FAILED)
        set(network, CURLE_SSL_SHUTDOWN_FAILED)
    }

    private static func addTransfer(_ set: (CurlVerdict, CURLcode...) -> Void) {
        set(network, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE, CURLE_AGAIN, CURLE_UNRECOVERABLE_POLL)
        set(
            CurlVerdict(.unreachable, .retry(after: nil), "the far side closed the connection without an answer"),
            CURLE_GOT_NOTHING)
        // libcurl's code for an answer without a status line, which it takes for HTTP/0.9.
        set(garbage, CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING)
        set(garbage, CURLE_TOO_MANY_REDIRECTS, CURLE_RANGE_ERROR, CURLE_BAD_DOWNLOAD_RESUME)
        set(
            CurlVerdict(.corrupted, .tryNextRoute, "the answer is larger than any inbox gives"),
            CURLE_WRITE_ERROR, CURLE_FILESIZE_EXCEEDED)
        set(source, CURLE_READ_ERROR, CURLE_ABORTED_BY_CALLBACK, CURLE_SEND_FAIL_REWIND)
        set(CurlVerdict(.full, .retry(after: nil), "this machine has no memory left"), CURLE_OUT_OF_MEMORY)
        set(
            CurlVerdict(.refused, .waitForPerson, "a login was asked for and refused", "check the proxy"),
            CURLE_LOGIN_DENIED, CURLE_AUTH_ERROR)
        set(
            CurlVerdict(.refused, .tryNextRoute, "the far side answered with an error"), CURLE_HTTP_RETURNED_ERROR)
    }
}
